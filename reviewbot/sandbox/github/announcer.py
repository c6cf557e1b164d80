"""What happens here, told to the App's webhook with GitHub's payloads.

An event about a repository is told when the App subscribes to it and an installation that is not suspended covers the
repository; ``installation``, ``installation_repositories`` and ``ping`` are told always. A payload says what was so at
that moment.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from reviewbot.sandbox.github import payloads, payloads_apps, payloads_pulls
from reviewbot.sandbox.github.hooks import Hooks, Message, hook_id
from reviewbot.sandbox.github.hosting import Directory, Hosted
from reviewbot.sandbox.github.payloads import Json, Links
from reviewbot.sandbox.github.records import App, Installation, Pull

if TYPE_CHECKING:
    from reviewbot.sandbox.github.records import Account, CheckRun, IssueComment, Review, ReviewComment

#: A comment on a whole file has these as null; the REST API leaves them out.
_PLACE = ("line", "original_line", "start_line", "original_start_line", "start_side")
_Parts = Callable[[Links], Mapping[str, Any]]


class Stage(Directory, Protocol):
    """Where it happens. `state.SandboxGitHub` is the one; ``links`` say where clients find it."""

    app: App
    installations: dict[int, Installation]
    links: Links
    hooks: Hooks


class Announcer:
    """One method for each event. ``by`` is who did it, GitHub's ``sender``; ``more`` are further fields."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def pull_request(self, action: str, hosted: Hosted, pull: Pull, by: Account, **more: Any) -> None:
        def parts(links: Links) -> Json:
            shown = payloads_pulls.pull(links, self._stage, hosted, pull, full=True)
            return {"number": pull.number, "pull_request": shown, **more}

        self._tell("pull_request", action, hosted, by, parts)

    def labelled(self, action: str, hosted: Hosted, pull: Pull, by: Account, names: Iterable[str]) -> None:
        """``labeled`` or ``unlabeled``, once for each label."""
        for name in names:
            label = payloads.label(self._stage.links, hosted, name)
            self.pull_request(action, hosted, pull, by, label=label)

    def review_requested(self, hosted: Hosted, pull: Pull, by: Account, reviewer: Account) -> None:
        shown = payloads.user(self._stage.links, reviewer)
        self.pull_request("review_requested", hosted, pull, by, requested_reviewer=shown)

    def issue_comment(self, action: str, hosted: Hosted, comment: IssueComment, by: Account, **more: Any) -> None:
        def parts(links: Links) -> Json:
            issue = payloads_pulls.issue(links, hosted, hosted.issues[comment.number])
            return {"issue": issue, "comment": payloads_pulls.issue_comment(links, hosted, comment), **more}

        self._tell("issue_comment", action, hosted, by, parts)

    def review(self, hosted: Hosted, review: Review, by: Account) -> None:
        """A review was submitted, and with it its comments. A webhook writes states in small letters."""

        def parts(links: Links) -> Json:
            shown = payloads_pulls.review(links, hosted, review)
            shown |= {"state": review.state.lower(), "body": review.body or None}
            return {"review": shown, "pull_request": self._pull(links, hosted, review.number)}

        self._tell("pull_request_review", "submitted", hosted, by, parts)
        for comment in [each for each in hosted.review_comments.values() if each.review_id == review.id]:
            self.review_comment("created", hosted, comment, by)

    def review_comment(self, action: str, hosted: Hosted, comment: ReviewComment, by: Account, **more: Any) -> None:
        def parts(links: Links) -> Json:
            shown = dict.fromkeys(_PLACE) | payloads_pulls.review_comment(links, hosted, comment)
            return {"comment": shown, "pull_request": self._pull(links, hosted, comment.number), **more}

        self._tell("pull_request_review_comment", action, hosted, by, parts)

    def _pull(self, links: Links, hosted: Hosted, number: int) -> Json:
        return payloads_pulls.pull(links, self._stage, hosted, hosted.pull(number), full=False)

    def check_run(self, action: str, hosted: Hosted, run: CheckRun, by: Account) -> None:
        def parts(links: Links) -> Json:
            app = self._stage.app
            runs = [each for each in hosted.check_runs.values() if each.suite_id == run.suite_id]
            suite = payloads_apps.check_suite_lite(links, hosted, runs, app)
            more = {"check_suite": suite, "pull_requests": suite["pull_requests"]}
            return {"check_run": payloads_apps.check_run(links, hosted, run, app) | more}

        self._tell("check_run", action, hosted, by, parts)

    def check_suite(self, action: str, hosted: Hosted, runs: list[CheckRun], by: Account) -> None:
        def parts(links: Links) -> Json:
            suite = payloads_apps.check_suite(links, hosted, runs, self._stage.app)
            suite |= {"pull_requests": payloads_apps.check_pulls(links, hosted, runs[0].head_sha)}
            return {"check_suite": {name: value for name, value in suite.items() if name != "repository"}}

        self._tell("check_suite", action, hosted, by, parts)

    def _tell(self, event: str, action: str, hosted: Hosted, by: Account, parts: _Parts) -> None:
        """Tell of something in a repository. The payload is only made when somebody listens."""
        stage = self._stage
        rows = (row for row in stage.installations.values() if row.covers(hosted.full_name) and not row.suspended_at)
        installation = next(rows, None)
        if not stage.app.listens or event not in stage.app.events or installation is None:
            return
        payload = {
            "action": action,
            **parts(stage.links),
            "repository": payloads.repository(stage.links, hosted),
            "installation": {"id": installation.id, "node_id": payloads.node_id("INS", installation.id)},
            "sender": payloads.user(stage.links, by),
        }
        stage.hooks.send(Message(event, action, payload, installation.id, hosted.id))

    # The App itself

    def installation(self, action: str, row: Installation) -> None:
        """``created``, ``deleted``, ``suspend``, ``unsuspend``: by the account that has the App."""
        stage = self._stage
        covered = [hosted for hosted in stage.repositories.values() if row.covers(hosted.full_name)]
        more = {} if "suspend" in action else {"repositories": _named(covered)}
        self._tell_app("installation", action, row, more)

    def installation_repositories(self, action: str, row: Installation, changed: Iterable[Hosted]) -> None:
        """``added`` or ``removed``; an installation that is suspended hears nothing of it."""
        if row.suspended_at:
            return
        more = {
            "repository_selection": "all" if row.repositories is None else "selected",
            "repositories_added": _named(changed) if action == "added" else [],
            "repositories_removed": _named(changed) if action == "removed" else [],
            "requester": None,
        }
        self._tell_app("installation_repositories", action, row, more)

    def _tell_app(self, event: str, action: str, row: Installation, more: Mapping[str, Any]) -> None:
        stage = self._stage
        if not stage.app.listens:
            return
        installation = payloads_apps.installation(stage.links, row, stage.app)
        sender = payloads.user(stage.links, row.account)
        payload = {"action": action, "installation": installation, **more, "sender": sender}
        stage.hooks.send(Message(event, action, payload, row.id))

    def ping(self) -> None:
        """GitHub's first word to a new webhook."""
        stage, app = self._stage, self._stage.app
        if not app.listens:
            return
        number = hook_id(app)
        hook = {
            "type": "App",
            "id": number,
            "name": "web",
            "active": app.hook_active,
            "events": list(app.events),
            "config": payloads_apps.hook_config(app),
            "updated_at": payloads_apps.CREATED_AT,
            "created_at": payloads_apps.CREATED_AT,
            "app_id": app.id,
            "deliveries_url": f"{stage.links.api}/app/hook/deliveries",
        }
        stage.hooks.send(Message("ping", None, {"zen": "Keep it logically awesome.", "hook_id": number, "hook": hook}))


def _named(chosen: Iterable[Hosted]) -> list[Json]:
    return [
        {
            "id": hosted.id,
            "node_id": payloads.node_id("R", hosted.id),
            "name": hosted.name,
            "full_name": hosted.full_name,
            "private": hosted.private,
        }
        for hosted in chosen
    ]
