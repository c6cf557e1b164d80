"""Pure: every setting, its default and its meaning (Config), and mapping -> Config with the source of each value.

The same names are used in `.reviewbot.toml`, in ``config show`` and in the documentation. Settings that spend money or
choose a provider may only be tightened by a repository (`merge` says how).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Effort = Literal["low", "medium", "high"]
FailOn = Literal["critical", "major", "minor", "never"]
Association = Literal["OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "FIRST_TIMER", "NONE"]
TriggerName = Literal[
    "opened",
    "reopened",
    "ready_for_review",
    "synchronize",
    "labeled",
    "review_requested",
    "rerequested",
    "command",
    "reply",
]


class Section(BaseModel):
    """A table of settings: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PathRule(Section):
    """Instructions for the files that a pattern names."""

    pattern: str = Field(description="A gitignore pattern; `src/api/**`, for example.")
    instructions: str = Field(description="What the reviewer should know or look for in these files.", max_length=4000)


class ModelSettings(Section):
    id: str = Field(default="gpt-5.1-codex", description="The model to ask.")
    effort: Effort = Field(default="medium", description="Reasoning effort.")
    max_output_tokens: int = Field(
        default=32_000, ge=1_000, le=128_000, description="Ceiling of one answer, reasoning included."
    )
    truncation: Literal["disabled", "auto"] = Field(
        default="disabled",
        description="What the provider does with a prompt that is too long; `disabled` loses nothing unseen.",
    )
    fallbacks: tuple[str, ...] = Field(
        default=(), description="Models to try, in order, when the model is gone or refused."
    )
    concurrency: int = Field(default=8, ge=1, le=64, description="Requests under way at once.")
    timeout_seconds: float = Field(
        default=600.0, gt=0, le=3600, description="Total deadline of one answer, retries included."
    )
    attempts: int = Field(default=4, ge=1, le=10, description="Tries of one request before it counts as failed.")
    stream: bool = Field(default=True, description="Stream answers, so that cancelling stops the spending at once.")
    background: bool = Field(
        default=False, description="Ask in background mode and poll; for answers that take many minutes."
    )
    store: bool = Field(default=False, description="Let the provider keep the answers.")
    service_tier: Literal["auto", "default", "flex", "priority"] | None = Field(
        default=None, description="The provider's service tier."
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, description="Own limit of requests a minute; none if unset."
    )
    tokens_per_minute: int | None = Field(
        default=None, ge=1_000, description="Own limit of tokens a minute; none if unset."
    )


class ScopeSettings(Section):
    include: tuple[str, ...] = Field(
        default=(), description="Review only files that match one of these gitignore patterns."
    )
    exclude: tuple[str, ...] = Field(
        default=(), description="Do not review files that match one of these gitignore patterns."
    )
    generated: bool = Field(default=False, description="Review generated files too.")
    vendored: bool = Field(default=False, description="Review vendored files too.")
    lock_files: bool = Field(default=False, description="Review lock files too.")
    minified: bool = Field(default=False, description="Review minified files too.")
    max_file_lines: int = Field(
        default=20_000, ge=1, description="A file with more changed lines than this is skipped by the rule `too-large`."
    )


class ChunkSettings(Section):
    target_tokens: int = Field(
        default=40_000,
        ge=2_000,
        le=250_000,
        description="Soft size of one request's diff; quality falls in huge prompts.",
    )
    overlap_lines: int = Field(default=8, ge=0, le=100, description="Lines shown again where a giant hunk is cut.")
    widen: bool = Field(
        default=True, description="Show the whole enclosing definition of a hunk when the budget allows."
    )


class ReviewSettings(Section):
    instructions: str = Field(default="", max_length=8000, description="Instructions for the whole repository.")
    language: str = Field(default="English", max_length=40, description="Language of the comments.")
    min_severity: Literal["critical", "major", "minor", "nit"] = Field(
        default="minor", description="Findings below this go to the summary, not inline."
    )
    min_confidence: float = Field(default=0.3, ge=0, le=1, description="Findings below this confidence are not posted.")
    max_comments: int = Field(
        default=25, ge=0, le=100, description="Inline comments of one review; what is over goes to the summary."
    )
    suggestions: bool = Field(default=True, description="Offer proved suggestion blocks.")
    close_threads: bool = Field(
        default=True, description="Ask whether points of earlier reviews are met by a push, and resolve their threads."
    )
    close_joined: bool = Field(
        default=False, description="Resolve threads that a person has written in, too, when their point is met."
    )
    siblings: bool = Field(default=True, description="Ask once more about places that look like the code of a finding.")
    fail_on: FailOn = Field(default="never", description="Fail at findings of this severity or above.")


class AnalyzerSettings(Section):
    enabled: bool = Field(default=True, description="Run the installed static analyzers over the changed files.")
    only: tuple[str, ...] = Field(default=(), description="Run only these of them; all if empty.")
    tell: bool = Field(
        default=True, description="Tell what an analyzer is certain of, even when the model does not name it."
    )


class LimitSettings(Section):
    max_cost_usd: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="Spend at most this on one review; best chunks first."
    )


class TriggerSettings(Section):
    """Looked at when an event comes and, with the repository's file, when its job starts: that can only skip more."""

    enabled: bool = Field(default=True, description="Review pull requests here at all.")
    events: tuple[TriggerName, ...] = Field(default=get_args(TriggerName), description="What starts a review.")
    label: str = Field(default="reviewbot", max_length=50, description="Label that asks for a review; none if empty.")
    command: str = Field(
        default="/reviewbot", pattern=r"^\S{0,40}$", description="First word of a comment that asks, as a mention does."
    )
    commenters: tuple[Association, ...] = Field(
        default=("OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"),
        description="Whose commands are looked at; GitHub is asked for their right to write before money is spent.",
    )
    drafts: bool = Field(default=False, description="Review draft pull requests without being asked by hand.")
    bots: tuple[str, ...] = Field(
        default=(), description="Bots that may start a review, by exact login (`dependabot[bot]`); others never do."
    )
    skip_titles: tuple[str, ...] = Field(
        default=(), description="Phrases, in any case, of titles to skip, unless asked by hand."
    )
    skip_labels: tuple[str, ...] = Field(default=("skip-review",), description="Labels to skip, unless asked by hand.")
    skip_authors: tuple[str, ...] = Field(default=(), description="Authors to skip, unless asked by hand.")
    skip_branches: tuple[str, ...] = Field(
        default=(), description="Gitignore patterns of head branches to skip, unless asked by hand."
    )
    base_branches: tuple[str, ...] = Field(
        default=(), description="Unless asked by hand, review only what goes into branches of these gitignore patterns."
    )
    paths: tuple[str, ...] = Field(
        default=(), description="Unless asked by hand, review only if a changed file matches one of these patterns."
    )
    skip_paths: tuple[str, ...] = Field(
        default=(), description="Unless asked by hand, skip if every changed file matches one of these patterns."
    )


class ChatSettings(Section):
    enabled: bool = Field(default=True, description="Answer replies in our threads, and questions, with the model.")
    answers_per_thread: int = Field(default=10, ge=0, le=100, description="Answers of the model in one thread.")
    answers_per_person: int = Field(default=30, ge=0, le=1000, description="Answers of the model to one person a day.")
    max_output_tokens: int = Field(
        default=4_000, ge=1_000, le=32_000, description="Ceiling of one answer in a talk, reasoning included."
    )


class PostSettings(Section):
    summary: bool = Field(default=True, description="Keep one summary comment on the pull request, edited in place.")
    check_run: bool = Field(default=True, description="Conclude a check run where the token may.")


class ServerSettings(Section):
    """How `reviewbot serve` works; no repository has a say in it."""

    per_process: int = Field(default=10, ge=1, le=200, description="Reviews at once in one worker process.")
    per_installation: int = Field(
        default=5, ge=1, le=1000, description="Reviews at once for one installation, so that none waits for another."
    )
    overall: int = Field(default=200, ge=1, le=10_000, description="Reviews at once in all processes together.")
    debounce_seconds: float = Field(
        default=3.0, ge=0, le=600, description="How long a push waits for the next one before its review begins."
    )
    deadline_minutes: float = Field(default=30.0, gt=0, le=720, description="Longest time that one review may take.")
    attempts: int = Field(
        default=8, ge=1, le=50, description="Tries of a job after errors that may pass, before it is parked."
    )
    drain_seconds: float = Field(
        default=60.0, ge=0, le=3600, description="How long reviews under way may go on when the server is told to stop."
    )
    retention_days: float = Field(
        default=30.0,
        ge=4,
        le=3650,
        description="How long ended jobs, deliveries, runs and paid answers are kept. GitHub may redeliver for 3 days.",
    )
    sweep_minutes: float = Field(
        default=10.0, ge=0, le=1440, description="How often GitHub is asked for deliveries that failed; 0 for never."
    )


class Config(Section):
    """All settings of one review."""

    review: ReviewSettings = Field(default_factory=ReviewSettings, description="What is said.")
    scope: ScopeSettings = Field(default_factory=ScopeSettings, description="What is read.")
    model: ModelSettings = Field(default_factory=ModelSettings, description="Who is asked, and how.")
    chunks: ChunkSettings = Field(default_factory=ChunkSettings, description="How the change is cut.")
    analyzers: AnalyzerSettings = Field(
        default_factory=AnalyzerSettings, description="What is looked at without a model."
    )
    limits: LimitSettings = Field(default_factory=LimitSettings, description="What may be spent.")
    triggers: TriggerSettings = Field(default_factory=TriggerSettings, description="What starts a review.")
    chat: ChatSettings = Field(default_factory=ChatSettings, description="What is answered to people.")
    post: PostSettings = Field(default_factory=PostSettings, description="What is written on GitHub.")
    server: ServerSettings = Field(default_factory=ServerSettings, description="How the server works.")
    paths: tuple[PathRule, ...] = Field(default=(), description="Instructions by path.")


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings in force; ``sources`` tells for each dotted name where its value came from."""

    config: Config
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
