"""Pure: what an HTTP answer or a finished Response means: fine, or a Fault: which error, and whether and when to retry.

Decided on status and code. The provider's words are only read where a provider sends no code, and then only from their
beginning, since a message may quote the diff.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from reviewbot import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewbot.core.cost import Usage
    from reviewbot.errors import ModelError
    from reviewbot.model.wire import Response

_QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "credit_limit_reached"}
_MODEL_CODES = {"model_not_found", "model_not_available", "unsupported_model", "invalid_model", "deploymentnotfound"}
_FORGOTTEN_CODES = {"previous_response_not_found", "invalid_encrypted_content"}
_LENGTH_CODES = {"context_length_exceeded", "string_above_max_length", "context_window_exceeded"}
_LENGTH_WORDS = re.compile(
    r"(this (model|endpoint)'s maximum context length|your input exceeds the context window|"
    r"input (tokens|length|is too long)|prompt is too long|the (prompt|input) is too long)",
    re.IGNORECASE,
)
# what a failed answer's own code means (the codes of the description's ResponseErrorCode); others are ModelFailed
_FAILED_CODES: Mapping[str, type[ModelError]] = {
    "context_length_exceeded": errors.ContextLengthExceeded,
    "insufficient_quota": errors.ModelQuotaExceeded,
    "rate_limit_exceeded": errors.ModelRateLimited,
    "model_not_found": errors.ModelNotFound,
    "invalid_prompt": errors.ModelRejected,
    "data_residency_mismatch": errors.ModelRejected,
    "bio_policy": errors.ModelRefused,
}
_LENGTH_REMEDY = "The prompt must be split; lower chunks.target_tokens if this happens again."
_CODE_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed attempt. ``wait`` is what the provider asked for, in seconds; None when it did not say."""

    error: ModelError
    retry: bool
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class HttpRefusal:
    """An answer with a status outside 2xx. ``headers`` are looked up in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one call is tried. All times in seconds; ``wait_ceiling`` is the longest wait that a
    provider may ask for before the caller is told to come back instead. Without ``pay_again`` an attempt that was, or
    may have been, charged is the last."""

    attempts: int = 4
    deadline: float = 600.0
    wait_ceiling: float = 60.0
    first_pause: float = 0.5
    longest_pause: float = 8.0
    pay_again: bool = True

    def decide(self, fault: Fault, attempt: int, elapsed: float, chance: float) -> float | ModelError:
        """The seconds to wait before the next attempt, or the error to raise. ``attempt`` counts from 1, ``chance`` is
        a random number from 0 to 1 that spreads callers who failed together."""
        error = fault.error
        if fault.retry and fault.wait is not None and fault.wait > self.wait_ceiling:
            said = f"The provider asks to wait {fault.wait:.0f} s: {error.message}"
            remedy = "Run it again after that time."
            return errors.ModelRateLimited(
                said, remedy=remedy, usage=error.usage, response_id=error.response_id, retry_after=fault.wait
            )
        if not fault.retry or attempt >= self.attempts or not (self.pay_again or _unpaid(error)):
            return error
        pause = min(self.longest_pause, self.first_pause * 2.0 ** (attempt - 1)) * (0.5 + chance / 2)
        wait = pause if fault.wait is None else fault.wait + pause * 0.1
        if elapsed + wait < self.deadline:
            return wait
        if isinstance(error, errors.ModelRateLimited):
            return error
        late = f"No answer within {self.deadline:g} s; the last attempt failed: {error.message}"
        return errors.ModelTimeout(late, usage=error.usage, response_id=error.response_id)


def _unpaid(error: ModelError) -> bool:
    """Whether an attempt surely cost nothing: it was refused before it began."""
    return error.usage is None and not isinstance(
        error, errors.ModelStreamCut | errors.ModelFailed | errors.ModelTimeout | errors.ReplyError
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """The code, parameter and words of an error body, whatever its shape."""

    code: str = ""
    param: str = ""
    words: str = ""

    @property
    def unspecific(self) -> bool:
        return self.code in ("", "400", "badrequest", "invalid_request_error", "invalid_value")


def http_fault(refusal: HttpRefusal, *, model: str, ending: str, now: float) -> Fault:
    """The fault of a refused request. ``ending`` is what the catalogue knows of the model's end; ``now`` is the Unix
    time. An empty ``model`` means that the request was about a stored answer, not about a model."""
    said = _read(refusal.body)
    error = _forgotten(refusal.status, said) or _http_error(refusal.status, said, model, ending)
    retry = error.retryable
    if not isinstance(error, errors.ModelQuotaExceeded):
        retry = {"true": True, "false": False}.get(refusal.headers.get("x-should-retry", "").lower(), retry)
    wait = wait_asked(refusal.headers, now, limited=refusal.status == 429)
    if isinstance(error, errors.ModelRateLimited) and wait is not None:
        error.retry_after = wait
    return Fault(error, retry, wait)


def _forgotten(status: int, said: _Said) -> ModelError | None:
    """Looked at first: a 404 is else about the model. A provider that does not know the parameter forgets, too."""
    if status not in (400, 404) or not (said.code in _FORGOTTEN_CODES or said.param == "previous_response_id"):
        return None
    told = f"HTTP {status}, {said.code}: {said.words}"
    what = f"The provider does not have what the talk goes on from ({told})."
    return errors.TalkForgotten(what, remedy="Send the talk again as a whole.")


def _http_error(status: int, said: _Said, model: str, ending: str) -> ModelError:
    told = f"HTTP {status}" + (f", {said.code}" if said.code else "") + (f": {said.words}" if said.words else "")
    if said.code in _QUOTA_CODES or status == 402:
        return errors.ModelQuotaExceeded(
            f"The account at the provider has no credit left ({told}).", remedy="Top it up."
        )
    if status == 429:
        return errors.ModelRateLimited(f"The provider limits requests ({told}).", remedy="Wait, or ask less at once.")
    if status in (408, 409) or status >= 500:
        return errors.ModelUnreachable(f"The provider could not answer ({told}).", remedy="Try again later.")
    if said.code in _LENGTH_CODES or status == 413 or (said.unspecific and _LENGTH_WORDS.match(said.words)):
        return errors.ContextLengthExceeded(f"The prompt is too long for the model ({told}).", remedy=_LENGTH_REMEDY)
    if model and (said.code in _MODEL_CODES or said.param == "model" or status in (404, 410)):
        remedy = ending or "Check the model's id and the API's address."
        return errors.ModelNotFound(f"The provider does not serve the model {model} ({told}).", remedy=remedy)
    return _refused(status, told)


def _refused(status: int, told: str) -> ModelError:
    if status in (401, 403):
        # the provider's words are left out: they repeat parts of the key
        return errors.ModelUnauthorized(
            f"The provider refused the API key (HTTP {status}).",
            remedy="Check the key, and that it may use this model.",
        )
    if status in (404, 410):
        return errors.ModelRejected(f"The provider does not have what was asked for ({told}).")
    if status < 400:
        return errors.ModelRejected(
            f"The provider redirects to another address ({told}), and redirects are not followed.",
            remedy="Set the address of the API (REVIEWBOT_API_BASE) to the final one.",
        )
    return errors.ModelRejected(f"The provider found the request wrong ({told}).")


def _read(body: bytes) -> _Said:
    """OpenAI's ``{"error": {...}}``, gateways' ``{"message": ...}`` with a list of wrong paths, or plain text."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        text = body[:2000].decode("utf-8", "replace").lstrip()
        return _Said(words="" if text.startswith("<") else _short(text))
    if not isinstance(document, dict):
        return _Said()
    error = document.get("error")
    fields = error if isinstance(error, dict) else document
    param = fields.get("param")
    for issue in document["meta"] if isinstance(document.get("meta"), list) else ():
        if isinstance(issue, dict) and issue.get("path") == ["model"]:
            param = "model"
    words = fields.get("message") or (error if isinstance(error, str) else "")
    code = str(fields.get("code") or fields.get("type") or "").lower()
    return _Said(code, str(param or ""), _short(str(words)))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:300]}..."


def wait_asked(headers: Mapping[str, str], now: float, *, limited: bool) -> float | None:
    """Seconds that the headers ask to wait: ``retry-after-ms``, ``retry-after`` (seconds or a date), or, if the request
    was ``limited``, ``x-ratelimit-reset-*`` (as ``6m0s``) of the limit that is used up. None when they do not say, or
    say something unreadable or past."""
    asked = [
        _number(headers.get("retry-after-ms"), 0.001),
        _number(headers.get("retry-after"), 1.0) or _until(headers.get("retry-after"), now),
    ]
    stated = next((seconds for seconds in asked if seconds), None)
    if stated is not None or not limited:
        return stated
    resets = {
        kind: seconds
        for kind in ("requests", "tokens")
        if (seconds := _duration(headers.get(f"x-ratelimit-reset-{kind}", ""))) is not None
    }
    used_up = [resets[kind] for kind in resets if headers.get(f"x-ratelimit-remaining-{kind}", "").strip() == "0"]
    return max(used_up or resets.values(), default=None) or None


def _number(text: str | None, unit: float) -> float | None:
    if text is None or not re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text):
        return None
    return float(text) * unit


def _until(text: str | None, now: float) -> float | None:
    if text is None:
        return None
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _duration(text: str) -> float | None:
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return _number(text, 1.0)
    return sum(float(number) * _CODE_UNITS[unit] for number, unit in parts)


def answer_fault(response: Response, *, ending: str = "") -> Fault | None:
    """The fault of a finished answer, None when it is complete. Its error carries the answer's usage and id."""
    paid, name = response.paid(), response.id
    if response.status == "incomplete":
        reason = (response.incomplete_details and response.incomplete_details.reason) or "unknown"
        remedy = "Ask about less at once, or raise model.max_output_tokens." if reason == "max_output_tokens" else ""
        cut = f"The answer was cut ({reason})."
        return Fault(
            errors.ModelIncomplete(cut, remedy=remedy, usage=paid, response_id=name, reason=reason), retry=False
        )
    if response.status != "completed" and (response.status is not None or response.fault is not None):
        return _failed(response, paid, ending)
    if response.refusal is not None:
        declined = f"The model declined to answer: {_short(response.refusal)}"
        return Fault(errors.ModelRefused(declined, usage=paid, response_id=name), retry=False)
    if response.status is None and not response.output and not response.output_text:
        return Fault(errors.ReplyError("The provider sent no answer.", usage=paid, response_id=name), retry=False)
    return None


def _failed(response: Response, paid: Usage | None, ending: str) -> Fault:
    fault = response.fault
    code = "" if fault is None or fault.code is None else str(fault.code).lower()
    words = _short((fault and fault.message) or "no reason given")
    kind = _FAILED_CODES.get(code, errors.ModelFailed)
    if kind is errors.ModelFailed and "image" in code:
        kind = errors.ModelRejected
    remedy = _LENGTH_REMEDY if kind is errors.ContextLengthExceeded else ending if kind is errors.ModelNotFound else ""
    what = f"The answer ended as {response.status or 'failed'}" + (f" ({code})" if code else "")
    error = kind(f"{what}: {words}", remedy=remedy, usage=paid, response_id=response.id)
    return Fault(error, retry=error.retryable and response.status != "cancelled")
