"""Pure: what is known about models, as data (ModelFacts), and a request made to fit one (adapt).

Dates and successors: OpenAI's deprecation page; limits, efforts and prices: OpenAI's model pages, read November 2026.
A price is the list price up to 272,000 input tokens; the ``input_limit`` of models that charge double above that stays
below it. The premium of some models for writing to their cache is not in the price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reviewbot.core.cost import Price
from reviewbot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from reviewbot.model.wire import ResponseRequest

_SAMPLING = frozenset({"temperature", "top_p", "top_logprobs"})
_CODEX = _SAMPLING | {"verbosity"}

# Parameters that a reseller's page does not document: not sent there, since an unknown one may be refused.
_CACHING = {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"}
_LABELS = {"safety_identifier", "user"}
_DELIVERY = {"background", "include", "stream_options"}
_NOT_AT_RESELLERS = (
    frozenset({"context_management", "conversation", "max_tool_calls", "moderation", "top_logprobs"})
    | _CACHING
    | _LABELS
    | _DELIVERY
)

# Refused parameters that only tune how an answer is made or delivered may be left out; any other is an error.
_TUNING = _CODEX | _CACHING | _LABELS | _DELIVERY | {"service_tier", "truncation"}

_RESELLER_HOSTS = {"api.aimlapi.com": "aimlapi", "api.openai.com": "openai"}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What one model takes and costs. ``known`` is false for a model that is not in the table: then the limits are
    guesses on the safe side and the price is None. ``shutdown`` maps a provider to the ISO date of the end there."""

    id: str
    context_window: int = 128_000
    input_limit: int = 96_000
    output_limit: int = 32_000
    efforts: tuple[str, ...] = ("low", "medium", "high")
    default_effort: str = "medium"
    refused: frozenset[str] = frozenset()
    price: Price | None = None
    shutdown: tuple[tuple[str, str], ...] = ()
    successor: str = ""
    known: bool = True


def _gpt5(
    name: str,
    price: Price,
    *,
    ends: str = "",
    efforts: str = "low medium high",
    default: str = "medium",
    refused: frozenset[str] = _CODEX,
    window: int = 400_000,
) -> ModelFacts:
    return ModelFacts(
        id=name,
        context_window=window,
        input_limit=272_000,
        output_limit=128_000,
        efforts=tuple(efforts.split()),
        default_effort=default,
        refused=refused,
        price=price,
        shutdown=(("openai", ends),) if ends else (),
        successor="gpt-5.6-sol" if ends else "",
    )


_LIST_PRICE = Price(1.25, 0.125, 10.0)
_TABLE: Mapping[str, ModelFacts] = {
    facts.id: facts
    for facts in (
        _gpt5("gpt-5.1-codex", _LIST_PRICE, ends="2026-07-23"),
        _gpt5("gpt-5.1-codex-max", _LIST_PRICE, ends="2026-07-23", efforts="low medium high xhigh"),
        _gpt5("gpt-5.1-codex-mini", Price(0.25, 0.025, 2.0), ends="2026-07-23"),
        _gpt5("gpt-5-codex", _LIST_PRICE, ends="2026-07-23"),
        _gpt5("gpt-5.2-codex", Price(1.75, 0.175, 14.0), ends="2026-07-23", efforts="low medium high xhigh"),
        _gpt5("gpt-5", _LIST_PRICE, ends="2026-12-11", efforts="minimal low medium high", refused=_SAMPLING),
        _gpt5(
            "gpt-5.1", _LIST_PRICE, ends="2027-04-01", efforts="none low medium high", default="none", refused=_SAMPLING
        ),
        # promotional prices (4 / 0.40 / 20) were promised until 2026-11-21 only; a budget must not count on them
        _gpt5(
            "gpt-5.6-sol",
            Price(5.0, 0.5, 30.0),
            efforts="none low medium high xhigh max",
            refused=_SAMPLING,
            window=1_050_000,
        ),
    )
}
_ALIASES = {"gpt-5.6": "gpt-5.6-sol"}


def facts_for(model_id: str) -> ModelFacts:
    """What is known about a model, by any of its names: dated (``gpt-5-2025-08-07``) and as resellers spell it
    (``openai/gpt-5-1-codex``). The answer keeps the id that was asked for."""
    vendor, _, name = model_id.strip().lower().rpartition("/")
    name = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", name)
    name = re.sub(r"^(gpt-\d+)-(\d)(?=-|$)", r"\1.\2", name)
    facts = _TABLE.get(_ALIASES.get(name, name)) or ModelFacts(id=model_id, known=False)
    refused = facts.refused | _NOT_AT_RESELLERS if vendor else facts.refused
    return replace(facts, id=model_id, refused=refused)


def provider_of(base_url: str) -> str:
    """``openai``, ``aimlapi``, ``azure`` or ``other``, by the host of the API's address."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host.endswith((".azure.com", ".azure.us")):
        return "azure"
    return _RESELLER_HOSTS.get(host, "other")


def end_of_life(facts: ModelFacts, today: date, provider: str = "openai") -> str | None:
    """One or two sentences on a model that is gone, or has an announced end, at the provider; None when nothing is
    known of an end. Elsewhere than at OpenAI the date at OpenAI is what can be said."""
    dates = dict(facts.shutdown)
    there = provider if provider in dates else "openai"
    if there not in dates:
        return None
    gone = dates[there] <= today.isoformat()
    where = "at OpenAI" if there == "openai" else f"at {there}"
    said = f"{facts.id} {'was shut down' if gone else 'will be shut down'} {where} on {dates[there]}."
    if provider != there and gone:
        said += " Other providers may still serve it."
    return f"{said} The successor named there is {facts.successor}." if facts.successor else said


def adapt(request: ResponseRequest, facts: ModelFacts) -> ResponseRequest:
    """The request as this model takes it. What only tunes (sampling, verbosity, cache hints ...) is left out where it
    is refused, and a known output limit is kept. Raises ConfigError for an effort that is not allowed, and for
    a refused parameter whose loss would change what is asked."""
    update: dict[str, Any] = {}
    for name in sorted(facts.refused - {"verbosity"}):
        if getattr(request, name) is None:
            continue
        if name not in _TUNING:
            raise ConfigError(f"{facts.id} does not take the parameter {name}.", remedy="Leave it out.")
        update[name] = None
    if "verbosity" in facts.refused and request.text is not None and request.text.verbosity is not None:
        update["text"] = request.text.model_copy(update={"verbosity": None})
    if facts.known and (request.max_output_tokens or 0) > facts.output_limit:
        update["max_output_tokens"] = facts.output_limit
    effort = None if request.reasoning is None else request.reasoning.effort
    if effort is not None and effort not in facts.efforts:
        allowed = ", ".join(facts.efforts)
        raise ConfigError(f"{facts.id} does not take the effort {effort}.", remedy=f"Set one of: {allowed}.")
    return request.model_copy(update=update) if update else request
