"""Pure: the Responses API as values: ResponseRequest is what we send, Response is what may come back.

What we send is strict: every documented parameter by its own name, a wrong one is an error, an unset one is not sent.
What comes back is taken as it comes: every field may be missing or null, unknown fields and items are kept, because an
answer that was paid for must never be lost to a field that nobody reads. Source: OpenAI's published description 2.3.0.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from reviewbot.core.cost import Usage

_Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]


class _Sent(BaseModel):
    # deferred, so that importing costs nothing: the first request pays for building the models
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class _Received(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)


# ---- what we send ----------------------------------------------------------------------------------------------------


class InputText(_Sent):
    text: str
    type: Literal["input_text"] = "input_text"
    prompt_cache_breakpoint: dict[str, Any] | None = None


class InputImage(_Sent):
    """An image by address (``https:`` or ``data:``) or by the id of an uploaded file."""

    image_url: str | None = None
    file_id: str | None = None
    detail: Literal["low", "high", "auto", "original"] = "auto"
    type: Literal["input_image"] = "input_image"
    prompt_cache_breakpoint: dict[str, Any] | None = None


class InputFile(_Sent):
    """A file by id, by address, or by its content (``file_data``, a base64 ``data:`` address) and name."""

    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    detail: Literal["low", "high", "auto"] | None = None
    type: Literal["input_file"] = "input_file"
    prompt_cache_breakpoint: dict[str, Any] | None = None


InputPart = Annotated[InputText | InputImage | InputFile, Field(discriminator="type")]


class Message(_Sent):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | tuple[InputPart, ...]
    type: Literal["message"] = "message"


class FunctionCallOutput(_Sent):
    """What our function answered to the model's call ``call_id``."""

    call_id: str
    output: str | tuple[InputPart, ...]
    type: Literal["function_call_output"] = "function_call_output"


class FunctionTool(_Sent):
    name: str
    parameters: dict[str, Any]
    description: str | None = None
    strict: bool = True
    type: Literal["function"] = "function"


class Reasoning(_Sent):
    effort: _Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    mode: str | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None


class TextFormat(_Sent):
    """``name``, ``schema`` and ``strict`` belong to ``json_schema``; the API's default for ``strict`` is off."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    json_schema: dict[str, Any] | None = Field(
        default=None, serialization_alias="schema", validation_alias=AliasChoices("schema", "json_schema")
    )
    strict: bool | None = None
    description: str | None = None


class TextOptions(_Sent):
    format: TextFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class PromptTemplate(_Sent):
    """A prompt kept at the provider. ``variables`` may hold strings and input parts."""

    id: str
    version: str | None = None
    variables: dict[str, str | InputPart] | None = None


class ResponseRequest(_Sent):
    """One request to ``POST /responses``. Hosted tools (``web_search_preview``, ``file_search``, ``code_interpreter``,
    ``mcp`` ...) and items of earlier output are plain mappings and are sent as they are."""

    model: str
    input: str | tuple[Message | FunctionCallOutput | dict[str, Any], ...] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = Field(default=None, ge=16)
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    tools: tuple[FunctionTool | dict[str, Any], ...] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: int | None = Field(default=None, ge=1)
    reasoning: Reasoning | None = None
    text: TextOptions | None = None
    prompt: PromptTemplate | None = None
    include: tuple[_Include, ...] | None = None
    metadata: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, max_length=16
    )
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None = None
    background: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    prompt_cache_key: str | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    prompt_cache_options: dict[str, Any] | None = None
    safety_identifier: str | None = Field(default=None, max_length=64)
    user: str | None = None
    moderation: dict[str, Any] | None = None
    context_management: tuple[dict[str, Any], ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_memory(self) -> ResponseRequest:
        if self.previous_response_id is not None and self.conversation is not None:
            raise ValueError("previous_response_id and conversation exclude each other")
        return self

    def payload(self) -> dict[str, Any]:
        """The JSON object to send, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


# ---- what comes back -------------------------------------------------------------------------------------------------


class ErrorBody(_Received):
    code: str | int | None = None
    message: str | None = None
    param: str | None = None
    type: str | None = None


class IncompleteDetails(_Received):
    reason: str | None = None


class ContentPart(_Received):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None


class OutputItem(_Received):
    """A message, a reasoning item, a call of a tool, or something this version does not know."""

    type: str | None = None
    id: str | None = None
    status: str | None = None
    role: str | None = None
    content: tuple[ContentPart | None, ...] | str | None = None
    summary: Any = None
    encrypted_content: str | None = None

    def again(self) -> dict[str, Any] | None:
        """The item as a later request may send it; None for what nobody but its provider could read."""
        if self.type == "reasoning" and self.encrypted_content and self.id:
            sealed = {"encrypted_content": self.encrypted_content, "summary": []}
            return {"type": "reasoning", "id": self.id, **sealed}
        if self.type != "message" or not self.id or not isinstance(self.content, tuple):
            return None
        texts = [part.text for part in self.content if part is not None and part.type == "output_text" and part.text]
        parts = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []} for text in texts]
        whole = {"type": "message", "id": self.id, "role": "assistant", "status": "completed", "content": parts}
        return whole if parts else None


class TokenDetails(_Received):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class ResponseUsage(_Received):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: TokenDetails | None = None
    output_tokens_details: TokenDetails | None = None


class Response(_Received):
    """The provider's document. The fields that decide something are typed; echoes of the request are kept untouched."""

    id: str | None = None
    status: str | None = None
    model: str | None = None
    error: ErrorBody | str | None = None
    incomplete_details: IncompleteDetails | None = None
    output: tuple[OutputItem | None, ...] | None = None
    sent_output_text: str | None = Field(default=None, alias="output_text")
    usage: ResponseUsage | None = None
    service_tier: str | None = None

    object: Any = None
    created_at: Any = None
    completed_at: Any = None
    background: Any = None
    context_management: Any = None
    conversation: Any = None
    instructions: Any = None
    max_output_tokens: Any = None
    max_tool_calls: Any = None
    metadata: Any = None
    moderation: Any = None
    parallel_tool_calls: Any = None
    previous_response_id: Any = None
    prompt: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    reasoning: Any = None
    safety_identifier: Any = None
    store: Any = None
    temperature: Any = None
    text: Any = None
    tool_choice: Any = None
    tools: Any = None
    top_logprobs: Any = None
    top_p: Any = None
    truncation: Any = None
    user: Any = None

    def parts(self, kind: str) -> list[ContentPart]:
        """All content parts of one type (``output_text``, ``refusal``), in order."""
        return [
            part
            for item in self.output or ()
            if item is not None and isinstance(item.content, tuple)
            for part in item.content
            if part is not None and part.type == kind
        ]

    @property
    def output_text(self) -> str:
        """The visible text: as sent, else joined from the output's messages; empty when there is none."""
        return self.sent_output_text or "".join(part.text or "" for part in self.parts("output_text"))

    def items(self) -> tuple[dict[str, Any], ...]:
        """The output as a later request may send it again, when nothing is kept at the provider."""
        sent = (item.again() for item in self.output or () if item is not None)
        return tuple(item for item in sent if item is not None)

    @property
    def refusal(self) -> str | None:
        """What the model said when it declined, or None."""
        said = self.parts("refusal")
        return None if not said else "".join(part.refusal or "" for part in said)

    @property
    def fault(self) -> ErrorBody | None:
        return ErrorBody(message=self.error) if isinstance(self.error, str) else self.error

    def paid(self) -> Usage | None:
        """The usage of this one answer, None when the provider did not report it."""
        if self.usage is None or (self.usage.input_tokens is None and self.usage.output_tokens is None):
            return None
        into, out = self.usage.input_tokens_details, self.usage.output_tokens_details
        return Usage(
            requests=1,
            input_tokens=self.usage.input_tokens or 0,
            output_tokens=self.usage.output_tokens or 0,
            cached_input_tokens=None if into is None else into.cached_tokens,
            reasoning_tokens=None if out is None else out.reasoning_tokens,
        )


class StreamEvent(_Received):
    """One server-sent event; ``response`` is on the events that begin and end an answer."""

    type: str | None = None
    sequence_number: int | None = None
    response: Response | None = None
    item: OutputItem | None = None
    delta: Any = None
    text: str | None = None
    error: ErrorBody | str | None = None
    code: str | int | None = None
    message: str | None = None
    param: str | None = None
