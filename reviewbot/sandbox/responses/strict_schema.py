"""Pure: the strict subset of JSON schema that ``text.format`` and functions must keep to, after OpenAI's guides."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]

_NOT_STRICT = frozenset(
    {"allOf", "not", "if", "then", "else", "oneOf", "dependentRequired", "dependentSchemas", "patternProperties"}
    | {"default", "prefixItems", "uniqueItems", "unevaluatedProperties", "propertyNames", "discriminator"}
)
_DEEPEST = 10


def schema_fault(schema: JsonObject) -> str:
    """What breaks the strict subset, as OpenAI words it; empty when nothing does."""
    if schema.get("type") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    return _node_fault(schema, ())


def _node_fault(node: Any, context: tuple[str, ...]) -> str:
    where = f"In context={context!r}, "
    if not isinstance(node, dict):
        return f"{where}a schema must be an object."
    if sum(step == "properties" for step in context) > _DEEPEST:
        return f"{where}the schema is nested deeper than {_DEEPEST} levels."
    refused = next((word for word in node if word in _NOT_STRICT), "")
    if refused:
        return f"{where}'{refused}' is not permitted."
    fault = _keywords_fault(node, where)
    return fault or next(
        (fault for path, child in _children(node) if (fault := _node_fault(child, (*context, *path)))), ""
    )


def _keywords_fault(node: JsonObject, where: str) -> str:
    kinds = node.get("type")
    if not node.keys() & {"type", "anyOf", "$ref", "enum", "const"}:
        return f"{where}schema must have a 'type' key."
    if kinds == "array" and "items" not in node:
        return f"{where}array schema missing items."
    return _object_fault(node, where) if kinds == "object" or (isinstance(kinds, list) and "object" in kinds) else ""


def _object_fault(node: JsonObject, where: str) -> str:
    if node.get("additionalProperties") is not False:
        return f"{where}'additionalProperties' is required to be supplied and to be false."
    missing = [name for name in node.get("properties", {}) if name not in node.get("required", ())]
    extra = [name for name in node.get("required", ()) if name not in node.get("properties", {})]
    if missing or extra:
        kind = "Missing" if missing else "Extra required key"
        return (
            f"{where}'required' is required to be supplied and to be an array including every key in properties. "
            f"{kind} '{(missing or extra)[0]}'."
        )
    return ""


def _children(node: JsonObject) -> list[tuple[tuple[str, ...], Any]]:
    """The schemas inside a schema, with the way to each."""
    children: list[tuple[tuple[str, ...], Any]] = []
    for word in ("properties", "$defs", "definitions"):
        children += [((word, name), child) for name, child in node.get(word, {}).items()]
    children += [(("anyOf", str(index)), child) for index, child in enumerate(node.get("anyOf", ()))]
    if "items" in node:
        children.append((("items",), node["items"]))
    return children
