"""Pure: source text -> its definitions, the one that encloses a line, its imports, and whether it parses.

Grammars are tree-sitter's and are loaded one by one, when a file of their language is first read. A file is parsed
once: what is kept of it are a few lines per definition, not the tree. There are no definitions, and `parses` says None,
where there is no grammar or where a guard stops: on hostile text grammars are not linear (5 kB of ``* &`` take Swift's
16 s, 60 kB of ``<a `` take C#'s 8 GB, 400 kB of ``[`` take Scala's 19 s and 3 GB).
"""

from __future__ import annotations

import hashlib
import importlib
import re
from dataclasses import dataclass
from functools import cache
from posixpath import basename, dirname, normpath, splitext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Tree

MAX_SOURCE = 250_000  # bytes
_MAX_DEPTH = 1_000  # open brackets
# The parser reports after every 100 steps. Real code gives at least 45 bytes per report (minified), mostly over 100.
_FREE_REPORTS = 100
_BYTES_PER_REPORT = 30
_SIGNATURE_CHARS = 200
_KEPT = 4096  # parsed files remembered
_MOST = 5000  # definitions read of one file

_EXTENSIONS = {
    "python": ".py .pyi .pyw",
    "javascript": ".js .mjs .cjs .jsx",
    "typescript": ".ts .mts .cts",
    "tsx": ".tsx",
    "go": ".go",
    "rust": ".rs",
    "java": ".java",
    "c": ".c",
    "cpp": ".h .cc .cpp .cxx .hh .hpp .hxx .inl",  # the C++ grammar reads C headers; the C grammar not C++ ones
    "c_sharp": ".cs",
    "ruby": ".rb .rake .gemspec",
    "php": ".php",
    "kotlin": ".kt .kts",
    "swift": ".swift",
    "scala": ".scala .sc",
    "bash": ".sh .bash",
}
_LANGUAGES = {extension: language for language, listed in _EXTENSIONS.items() for extension in listed.split()}
_NAMES = {"Gemfile": "ruby", "Rakefile": "ruby", "SConstruct": "python", ".bashrc": "bash", ".profile": "bash"}

# Node types that define something, by the kind they are told as. "js" is shared by JavaScript and TypeScript.
_FUNCTIONS = {
    "python": "function_definition",
    "js": "function_declaration generator_function_declaration method_definition",
    "go": "function_declaration method_declaration",
    "rust": "function_item function_signature_item macro_definition",
    "java": "method_declaration constructor_declaration compact_constructor_declaration",
    "c": "function_definition preproc_function_def",
    "cpp": "function_definition preproc_function_def",
    "c_sharp": "method_declaration constructor_declaration property_declaration operator_declaration "
    "local_function_statement",
    "ruby": "method singleton_method",
    "php": "function_definition method_declaration",
    "kotlin": "function_declaration secondary_constructor",
    "swift": "function_declaration init_declaration deinit_declaration protocol_function_declaration",
    "scala": "function_definition function_declaration",
    "bash": "function_definition",
}
_TYPES = {
    "python": "class_definition",
    "js": "class_declaration",
    "ts": "class_declaration abstract_class_declaration interface_declaration type_alias_declaration enum_declaration",
    "go": "type_spec",
    "rust": "struct_item enum_item trait_item impl_item union_item",
    "java": "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration",
    "c": "struct_specifier union_specifier enum_specifier type_definition",
    "cpp": "class_specifier struct_specifier union_specifier enum_specifier",
    "c_sharp": "class_declaration interface_declaration struct_declaration record_declaration enum_declaration",
    "ruby": "class module",
    "php": "class_declaration interface_declaration trait_declaration enum_declaration",
    "kotlin": "class_declaration object_declaration companion_object",
    "swift": "class_declaration protocol_declaration",
    "scala": "class_definition object_definition trait_definition enum_definition",
    "bash": "",
}
# A function that is the value of a name: the name is what readers look for.
_JS_NAMED = frozenset({"variable_declarator", "assignment_expression"})
_JS_VALUES = frozenset({"arrow_function", "function_expression"})
# Nodes round a definition whose lines belong to it, and siblings before it that do.
_WRAPPERS = frozenset({"decorated_definition", "export_statement", "template_declaration", "ambient_declaration"})
_SOLE_WRAPPERS = frozenset({"lexical_declaration", "variable_declaration", "type_declaration", "expression_statement"})
_LEADS = frozenset({"decorator", "attribute_item"})
_ANGLE_SHY = frozenset({"bash", "c_sharp", "kotlin"})  # their grammars take memory for each ``<`` that stays open
_SCRIPTS = {"javascript": "js", "typescript": "ts", "tsx": "ts"}


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or type: its lines [first, last] from 1, decorators included, the last line of its head, and the head
    as one line of text. ``kind`` is ``function`` (methods too) or ``type``."""

    name: str
    kind: str
    first: int
    last: int
    head: int
    signature: str


@dataclass(frozen=True, slots=True)
class _Parsed:
    definitions: tuple[Definition, ...]
    clean: bool


_NOTHING = _Parsed((), clean=True)
_parsed_files: dict[tuple[str, bytes], _Parsed | None] = {}


def language_of(path: str) -> str | None:
    """The language by the file's name, or None when there is no grammar for it."""
    return _NAMES.get(basename(path)) or _LANGUAGES.get(splitext(path)[1].lower())


def definitions(path: str, source: bytes) -> tuple[Definition, ...]:
    """All functions and types of a file in the order of their first lines, an outer one before those inside it."""
    return (_parse(path, source) or _NOTHING).definitions


def enclosing_definition(path: str, source: bytes, line: int) -> Definition | None:
    """The innermost function or type that holds the line (numbered from 1), or None."""
    holding = [found for found in definitions(path, source) if found.first <= line <= found.last]
    return min(holding, key=lambda found: (found.last - found.first, -found.first), default=None)


def parses(path: str, source: bytes) -> bool | None:
    """Whether the grammar reads the whole file without an error; None when there is no grammar or it is too large.

    Grammars fail on some valid code: compare with the answer for the unchanged file before blaming a change.
    """
    parsed = _parse(path, source)
    return None if parsed is None else parsed.clean


def _parse(path: str, source: bytes) -> _Parsed | None:
    language = language_of(path)
    if language is None or len(source) > MAX_SOURCE:
        return None
    key = (language, hashlib.sha256(source).digest())
    if key not in _parsed_files:
        tree = None if _too_deep(language, source) else _tree(language, source)
        if len(_parsed_files) >= _KEPT:
            _parsed_files.clear()
        _parsed_files[key] = tree and _Parsed(
            _definitions(language, source, tree.root_node), clean=not tree.root_node.has_error
        )
    return _parsed_files[key]


def _too_deep(language: str, source: bytes) -> bool:
    return _depth(source, b"([{", b")]}") > _MAX_DEPTH or (
        language in _ANGLE_SHY and _depth(source, b"<", b">") > _MAX_DEPTH
    )


def _depth(source: bytes, openers: bytes, closers: bytes) -> int:
    depth = deepest = 0
    for bracket in source.translate(None, bytes(set(range(256)) - set(openers + closers))):
        if bracket in openers:
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
    return deepest


def _tree(language: str, source: bytes) -> Tree | None:
    """The syntax tree; None when the parser was stopped because it made too little way for its work."""
    from tree_sitter import Parser  # a native library, loaded when the first file is read

    reports = 0

    def too_slow(offset: int, _has_error: bool) -> bool:
        nonlocal reports
        reports += 1
        return reports > _FREE_REPORTS + offset // _BYTES_PER_REPORT

    try:
        return Parser(_grammar(language)).parse(
            lambda offset, _point: source[offset : offset + 65_536], progress_callback=too_slow
        )
    except ValueError:  # its way to say that too_slow stopped it
        return None


@cache
def _grammar(language: str) -> Language:
    from tree_sitter import Language

    module = importlib.import_module(f"tree_sitter_{'typescript' if language == 'tsx' else language}")
    entry = {"typescript": "language_typescript", "tsx": "language_tsx", "php": "language_php"}.get(
        language, "language"
    )
    return Language(getattr(module, entry)())


@cache
def _kinds(language: str) -> dict[str, str]:
    """Node type -> kind."""
    functions = _FUNCTIONS["js" if language in _SCRIPTS else language].split()
    types = _TYPES[_SCRIPTS.get(language, language)].split()
    return dict.fromkeys(functions, "function") | dict.fromkeys(types, "type")


def _definitions(language: str, source: bytes, root: Node) -> tuple[Definition, ...]:
    """Walks nodes of several lines only, and never asks a node for its parent: both keep the time linear on any text
    (the library's queries are quadratic in the width of a broken tree)."""
    kinds = _kinds(language)
    found: list[Definition] = []
    todo: list[tuple[Node, int, int]] = [(root, 0, 0)]  # a node, and the rows of the wrapper round its children
    while todo and len(found) < _MOST:
        node, wrap_first, wrap_last = todo.pop()
        wraps = node.type in _WRAPPERS or (node.type in _SOLE_WRAPPERS and node.named_child_count == 1)
        lead = None
        for child in node.named_children:
            start = child.start_point.row + 1 if lead is None else lead
            if child.type in _LEADS:
                lead = start
                continue
            lead = None
            first, last = (wrap_first, wrap_last) if wraps else (start, _last_row(child))
            kind = _kind(child, kinds)
            if kind:
                found.append(Definition(_name(source, child), kind, first, last, *_head(source, child)))
            if child.end_point.row > child.start_point.row or child.type in _WRAPPERS or child.type in _SOLE_WRAPPERS:
                todo.append((child, first, last))
    return tuple(sorted(found, key=lambda item: (item.first, -item.last, item.name)))


def _last_row(node: Node) -> int:
    return max(node.start_point.row + 1, node.end_point.row + (1 if node.end_point.column else 0))


def _kind(node: Node, kinds: dict[str, str]) -> str | None:
    """What a node defines; a C ``struct s`` without a body, inside a declaration, only names a type."""
    if node.type in _JS_NAMED:
        value = node.child_by_field_name("value") or node.child_by_field_name("right")
        return "function" if value is not None and value.type in _JS_VALUES else None
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return None
    return kinds.get(node.type)


def _name(source: bytes, node: Node) -> str:
    """The name field, the end of C's chain of declarators, Rust's implemented type, or the node's own type."""
    named = node.child_by_field_name("type" if node.type == "impl_item" else "name") or node.child_by_field_name("left")
    if named is not None:
        return _line(source, named.start_byte, named.end_byte)
    inner = node
    while (deeper := inner.child_by_field_name("declarator")) is not None:
        inner = deeper
    return node.type.split("_", maxsplit=1)[0] if inner is node else _line(source, inner.start_byte, inner.end_byte)


def _head(source: bytes, node: Node) -> tuple[int, str]:
    """The text up to the body, or the first line where there is no body; and the line where it ends."""
    value = node.child_by_field_name("value") or node.child_by_field_name("right") or node
    body = value.child_by_field_name("body")
    newline = source.find(b"\n", node.start_byte, node.end_byte) if body is None else -1
    stop = body.start_byte if body is not None else newline if newline >= 0 else node.end_byte
    rows = source[node.start_byte : min(stop, node.start_byte + 4 * _SIGNATURE_CHARS)].rstrip().count(b"\n")
    return node.start_point.row + 1 + rows, _line(source, node.start_byte, stop).rstrip("{ ")


def _line(source: bytes, start: int, stop: int) -> str:
    """Source as one line of at most 200 characters."""
    text = source[start : min(stop, start + 4 * _SIGNATURE_CHARS)].decode("utf-8", "replace")
    return " ".join(text.split())[:_SIGNATURE_CHARS]


_DOTTED = re.compile(r"^[ \t]*(?:import|using)[ \t]+(?:static[ \t]+)?([\w.]+)", re.M)
_QUOTED = r"['\"]([^'\"\n]{1,200})['\"]"
_IMPORTS = {
    "python": re.compile(r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+\(?([^\n#)]*)|import[ \t]+([\w.]+))", re.M),
    "javascript": re.compile(rf"\b(?:from|import|require)[ \t]*\(?[ \t]*{_QUOTED}"),
    "go": re.compile(r"^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?\"([\w./-]{3,200})\"[ \t]*$", re.M),
    "rust": re.compile(r"^[ \t]*(?:pub[ \t]+)?(?:use|mod)[ \t]+([\w:]+)", re.M),
    "java": _DOTTED,
    "kotlin": _DOTTED,
    "scala": _DOTTED,
    "c_sharp": _DOTTED,
    "c": re.compile(r"^[ \t]*#[ \t]*include[ \t]+\"([^\"\n]{1,200})\"", re.M),
    "ruby": re.compile(rf"^[ \t]*(?:require|require_relative|load)[ \t(]+{_QUOTED}", re.M),
    "php": re.compile(rf"^[ \t]*use[ \t]+([\w\\]+)|\b(?:require|include)(?:_once)?\b[^'\"\n]{{0,40}}{_QUOTED}", re.M),
    "bash": re.compile(r"^[ \t]*(?:source|\.)[ \t]+[\"']?([\w./-]+)", re.M),
}
_IMPORTS |= {"typescript": _IMPORTS["javascript"], "tsx": _IMPORTS["javascript"], "cpp": _IMPORTS["c"]}


def imports(path: str, source: bytes) -> tuple[str, ...]:
    """What a file imports, as paths with slashes and without extension (``pkg/module``), each once, in order.

    Relative ones are resolved against ``path``. A guess by the text, for relating files: not a resolver.
    """
    pattern = _IMPORTS.get(language_of(path) or "")
    if pattern is None:
        return ()
    text = source[:MAX_SOURCE].decode("utf-8", "replace")
    found: dict[str, None] = {}
    for match in pattern.finditer(text):
        for target in _targets(path, match):
            found[target] = None
    return tuple(found)


def _targets(path: str, match: re.Match[str]) -> list[str]:
    module = next((group for group in match.groups() if group), "")
    language = language_of(path)
    if language == "python":
        module = _python_module(path, module)
        names = re.findall(r"\w+", match[2] or "")
        return [item for item in (module, *(f"{module}/{name}".lstrip("/") for name in names)) if item]
    if language in ("javascript", "typescript", "tsx", "c", "cpp", "bash") or "/" in module:
        stem = splitext(module)[0] if splitext(module)[1].lower() in _LANGUAGES else module
        if stem.startswith("."):
            return [normpath(f"{dirname(path)}/{stem}").lstrip("/")]
        return [stem.removeprefix("@/").removeprefix("~/")]
    parts = [part for part in re.split(r"[.:\\]+", module) if part not in ("crate", "self", "super", "")]
    return ["/".join(parts)] if parts else []


def _python_module(path: str, module: str) -> str:
    """A dotted name as a path; leading dots climb from the file's own folder."""
    name = module.lstrip(".")
    climbs = len(module) - len(name)
    tail = name.replace(".", "/")
    if not climbs:
        return tail
    folder = dirname(path)
    for _ in range(climbs - 1):
        folder = dirname(folder)
    return f"{folder}/{tail}".strip("/")
