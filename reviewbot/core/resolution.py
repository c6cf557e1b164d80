"""Pure: layers of settings -> one Config, with the source of each value and one clear sentence for each fault."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from reviewbot.core.config import Config, PathRule, Resolved, ServerSettings
from reviewbot.errors import ConfigError

DEFAULT = "default"
_MOST_BYTES = 64 * 1024
_MOST_DEPTH = 6

# What a file in the repository may not say, because it would spend or send more than the deployment chose.
REPOSITORY_MAY_NOT = frozenset(
    {
        "model.id",
        "model.fallbacks",
        "model.store",
        "model.effort",
        "model.truncation",
        "model.background",
        "model.service_tier",
        "model.concurrency",
        "model.attempts",
        "model.timeout_seconds",
        "model.requests_per_minute",
        "model.tokens_per_minute",
        *(f"server.{name}" for name in ServerSettings.model_fields),
    }
)
# What it may only lower.
REPOSITORY_MAY_LOWER = frozenset(
    {
        "limits.max_cost_usd",
        "model.max_output_tokens",
        "chat.answers_per_thread",
        "chat.answers_per_person",
        "chat.max_output_tokens",
    }
)


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one source, as nested tables. ``repository`` marks the file of the reviewed repository, which may
    only tighten what concerns money and the provider."""

    source: str
    values: Mapping[str, Any]
    repository: bool = False


def resolve(layers: Sequence[Layer]) -> Resolved:
    """Lay the layers over the defaults, later ones winning. Raises ConfigError for an unknown name or a wrong value.

    What a repository may not set is left out and named in the notes: a pull request must not fail because its
    repository asks for too much.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    notes: list[str] = []
    deployment = _ceilings(layers)
    for layer in layers:
        for name, value in flatten(layer.values, layer.source):
            if layer.repository and not _allowed(name, value, deployment, layer.source, notes):
                continue
            values[name] = value
            sources[name] = layer.source
    config = _validated(values, sources)
    return Resolved(config, {name: sources.get(name, DEFAULT) for name, _ in flatten_config(config)}, tuple(notes))


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """The tables of a settings file called ``name``. Raises ConfigError with the place of a syntax error."""
    if len(text.encode("utf-8", "replace")) > _MOST_BYTES:
        raise ConfigError(f"{name} is over {_MOST_BYTES // 1024} kB.", remedy="Shorten its instructions.")
    try:
        found = tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{name} is nested too deep.", remedy="See `reviewbot config schema`.") from None
    except ValueError as error:  # TOMLDecodeError, or a plain one for a number of over 4,300 digits
        raise ConfigError(f"{name} is not valid TOML: {error}.", remedy="Correct that line.") from error
    if _deeper(found, _MOST_DEPTH):
        raise ConfigError(f"{name} is nested too deep.", remedy="See `reviewbot config schema`.")
    return found


def flatten(values: Mapping[str, Any], source: str) -> Iterator[tuple[str, Any]]:
    """Dotted names and values of nested tables. Raises ConfigError, with the nearest known name, for an unknown one."""
    for key, value in values.items():
        if key not in Config.model_fields:
            raise _unknown(key, list(Config.model_fields), source)
        section = Config.model_fields[key].annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            yield key, value
            continue
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"{source}: {key} is a table of settings, not a value.", remedy=f"Write [{key}] above it."
            )
        for name, inner in value.items():
            if name in section.model_fields and isinstance(inner, bool):
                _check_flag(f"{key}.{name}", inner, section.model_fields[name].annotation, source)
            if name not in section.model_fields:
                known = [f"{table}.{field}" for table, field in _all_names()]
                raise _unknown(f"{key}.{name}", known, source)
            yield f"{key}.{name}", inner


def flatten_config(config: Config) -> Iterator[tuple[str, Any]]:
    """Dotted names and values of all settings, in the order of the documentation."""
    for key, value in config:
        if isinstance(value, BaseModel):
            yield from ((f"{key}.{name}", inner) for name, inner in value)
        else:
            yield key, value


def rows() -> list[tuple[str, str, str, str]]:
    """Name, default, kind and meaning of every setting, for ``config show`` and the documentation."""
    table = []
    schema = json_schema()
    for name, default in flatten_config(Config()):
        entry = _entry(schema, name)
        table.append((name, json.dumps(_plain(default)), _kind(entry), str(entry.get("description", ""))))
    return table


def json_schema() -> dict[str, Any]:
    """The JSON schema of `.reviewbot.toml`, for editors."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "reviewbot settings (.reviewbot.toml)"
    return schema


def _ceilings(layers: Sequence[Layer]) -> dict[str, Any]:
    """The deployment's values of what a repository may only lower."""
    ceilings = {name: value for name, value in flatten_config(Config()) if name in REPOSITORY_MAY_LOWER}
    for layer in layers:
        if not layer.repository:
            ceilings |= {k: v for k, v in flatten(layer.values, layer.source) if k in REPOSITORY_MAY_LOWER}
    return ceilings


def _allowed(name: str, value: Any, ceilings: Mapping[str, Any], source: str, notes: list[str]) -> bool:
    if name in REPOSITORY_MAY_NOT:
        notes.append(f"{source} may not set {name}; it is chosen where reviewbot runs")
        return False
    ceiling = ceilings.get(name)
    if name in REPOSITORY_MAY_LOWER and ceiling is not None:
        try:
            lower = float(value) <= float(ceiling)
        except (TypeError, ValueError):
            return True  # a wrong value is named by the validation
        if not lower:
            notes.append(f"{source} may not raise {name} above {ceiling}")
        return lower
    return True


def _validated(values: Mapping[str, Any], sources: Mapping[str, str]) -> Config:
    tree: dict[str, Any] = {}
    for name, value in values.items():
        table, _, key = name.partition(".")
        if key:
            tree.setdefault(table, {})[key] = value
        else:
            tree[table] = value
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise _fault(error, values, sources) from None


def _fault(error: ValidationError, values: Mapping[str, Any], sources: Mapping[str, str]) -> ConfigError:
    faults = error.errors(include_url=False)
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    place = [str(part) for part in first["loc"]]
    name = ".".join(place[:2]) if ".".join(place[:2]) in values else place[0]
    if first["type"] == "extra_forbidden":  # inside a list: the tables themselves were looked at before
        known = [".".join([*place[:-1], field]) for field in PathRule.model_fields]
        return _unknown(".".join(place), known, sources.get(name, "settings"))
    said = str(first["msg"]).removeprefix("Value error, ")
    value = json.dumps(_plain(values.get(name)), default=str)[:80]
    return ConfigError(
        f"{sources.get(name, 'settings')}: {'.'.join(place)} = {value} is wrong: {said[0].lower()}{said[1:]}.",
        remedy="See `reviewbot config show` for each setting and docs/reference/settings.md for its range.",
    )


def _check_flag(name: str, value: bool, kind: object, source: str) -> None:
    """A truth value would be taken for the number 0 or 1 by the validation."""
    if kind is not bool:
        raise ConfigError(
            f"{source}: {name} = {str(value).lower()} is wrong: it is not a switch.",
            remedy="See `reviewbot config show` for each setting.",
        )


def _unknown(name: str, known: Sequence[str], source: str) -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    remedy = f"Did you mean {near[0]!r}?" if near else "See `reviewbot config show` for all settings."
    return ConfigError(f"{source}: there is no setting {name!r}.", remedy=remedy)


def _all_names() -> Iterator[tuple[str, str]]:
    for key, value in Config():
        if isinstance(value, BaseModel):
            yield from ((key, name) for name in type(value).model_fields)


def _entry(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    table, _, key = name.partition(".")
    entry: dict[str, Any] = schema["properties"][table]
    if not key:
        return entry
    reference = str(entry.get("$ref") or entry["allOf"][0]["$ref"]).rpartition("/")[2]
    found: dict[str, Any] = schema["$defs"][reference]["properties"][key]
    return found


def _kind(entry: Mapping[str, Any]) -> str:
    """The kind and range of a setting in a few words."""
    if "enum" in entry:
        return " \\| ".join(f"`{word}`" for word in entry["enum"])
    if "anyOf" in entry:
        return " or ".join(_kind(part) for part in entry["anyOf"])
    kind = {"null": "unset", "array": "list"}.get(str(entry.get("type")), str(entry.get("type", "table")))
    low = entry.get("minimum", entry.get("exclusiveMinimum"))
    high = entry.get("maximum")
    if low is None and high is None:
        return kind
    return f"{kind}, {'' if low is None else f'{low:,}'} to {'any' if high is None else f'{high:,}'}"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.model_dump() if isinstance(value, BaseModel) else value


def _deeper(value: Any, most: int) -> bool:
    """Whether tables and lists are nested deeper than ``most``; looks no deeper than that."""
    if not isinstance(value, Mapping | list):
        return False
    inner = value.values() if isinstance(value, Mapping) else value
    return most == 0 or any(_deeper(item, most - 1) for item in inner)
