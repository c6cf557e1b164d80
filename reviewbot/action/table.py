"""What the Action takes and gives: the one table behind `action.yml`, the reference page and the code that reads it."""

from __future__ import annotations

from typing import NamedTuple


class Input(NamedTuple):
    """``default`` is as `action.yml` writes it, ``choices`` are all that may be given where not anything may."""

    name: str
    meaning: str
    default: str = ""
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The variable by which `action.yml` hands it over."""
        return f"INPUT_{self.name.replace('-', '_').upper()}"


class Output(NamedTuple):
    """Every value is a text of one line."""

    name: str
    meaning: str


_SWITCH = ("true", "false")
FORMS = ("json", "sarif", "markdown", "html")
SUFFIXES = {"json": "json", "sarif": "sarif", "markdown": "md", "html": "html"}

INPUTS = (
    Input("github-token", "Token for GitHub; it needs the permissions below.", "${{ github.token }}"),
    Input("api-key", "Key of the model's provider. Without it a variable of the environment must hold one."),
    Input("api-base", "Address of the provider's API, without `/responses`; OpenAI's if empty."),
    Input("model", "The model to ask; the setting `model.id`."),
    Input("effort", "Reasoning effort; the setting `model.effort`.", choices=("low", "medium", "high")),
    Input(
        "fail-on",
        "Fail the step, with exit code 1, at findings of this severity or above; the setting `review.fail_on`.",
        choices=("critical", "major", "minor", "never"),
    ),
    Input("max-cost", "Spend at most this many dollars, riskiest parts first; the setting `limits.max_cost_usd`."),
    Input(
        "mode",
        "`bundle` asks no model: it writes down the pull request, for a workflow that holds the key.",
        "review",
        ("review", "bundle"),
    ),
    Input("dry-run", "Review, and post nothing.", "false", _SWITCH),
    Input("full", "Read everything again, not only what is new.", "false", _SWITCH),
    Input("settings", "Further settings, one `NAME=VALUE` a line."),
    Input("pull-request", "Number of the pull request, for events that come with none."),
    Input(
        "allow-pull-request-target",
        "Review on `pull_request_target`, which holds secrets while the change is a stranger's.",
        "false",
        _SWITCH,
    ),
    Input(
        "annotations",
        "Annotate the findings in the run: `auto` when the review is not on the pull request.",
        "auto",
        ("auto", "always", "never"),
    ),
    Input("files", "Forms in which the result is written to files, with blanks between them.", "json sarif"),
)

OUTPUTS = (
    Output(
        "verdict",
        "`clean`, `findings`, `incomplete`, `answered`, `skipped`, `superseded`, `failed`, `stopped`; or none.",
    ),
    Output("critical", "How many critical findings hold now, those of earlier reviews counted."),
    Output("major", "How many major ones."),
    Output("minor", "How many minor ones."),
    Output("nit", "How many nits."),
    Output("review-url", "The review; empty when none was posted."),
    Output("coverage-complete", "`true` when every changed line was reviewed or skipped by a rule with a name."),
    Output("cost-usd", "What was spent; empty when the model's price is not known."),
    Output("json-file", "Path of the result as JSON; empty when nothing was reviewed, as with the files below."),
    Output("sarif-file", "Path of the result as SARIF, for code scanning."),
    Output("markdown-file", "Path of the result as Markdown, if `files` names it."),
    Output("html-file", "Path of the result as one HTML page, if `files` names it."),
    Output("bundle", "Path of the folder with the bundle, for `mode: bundle`; empty when there is nothing to review."),
)
