"""Accounts: who there is on this GitHub: people, bots, tokens, the App, its installations and its webhook."""

from __future__ import annotations

import functools
import itertools
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import records
from reviewbot.sandbox.github.announcer import Announcer
from reviewbot.sandbox.github.hooks import Hooks
from reviewbot.sandbox.github.payloads import Links
from reviewbot.sandbox.github.records import Account, Token

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.limits import Limits

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Accounts = TypeVar("_Accounts", bound="Accounts")


def locked(
    deed: Callable[Concatenate[_Accounts, _Arguments], _Result],
) -> Callable[Concatenate[_Accounts, _Arguments], _Result]:
    """Nothing else happens while this is done."""

    @functools.wraps(deed)
    def held(github: _Accounts, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        with github.lock:
            return deed(github, *args, **kwargs)

    return held


class Accounts:
    """The part of `state.SandboxGitHub` that has no repository's content. ``clock`` gives seconds since the epoch."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.clock = clock
        self.lock = threading.RLock()
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Hosted] = {}
        self.tokens: dict[str, Token] = {}
        self.installations: dict[int, records.Installation] = {}
        self._ids = itertools.count(1_001)
        owner = self.account("octo-org", kind="Organization")
        bot = self.account("reviewbot-sandbox[bot]", kind="Bot")
        self.app = records.App(self.new_id(), "reviewbot-sandbox", owner, bot)
        #: Where clients find this GitHub, as the last one did: payloads of webhooks name it.
        self.links = Links("http://127.0.0.1", "http://127.0.0.1")
        now = lambda: self.clock()  # noqa: E731, PLW0108 - the clock may be replaced
        self.hooks = Hooks(lambda: self.app, clock=now, seconds=limits.hook_seconds)
        self.announcer = Announcer(self)

    def new_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        """The time as GitHub writes it."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # People and programs

    def account(self, login: str, *, kind: str = "User") -> Account:
        """The account of this login, made on first use."""
        return self.accounts.setdefault(login.lower(), Account(self.new_id(), login, kind))

    @locked
    def add_token(
        self,
        login: str | None = None,
        *,
        kind: records.TokenKind = "personal",
        value: str | None = None,
        permissions: Mapping[str, str] | None = None,
        repositories: Collection[str] | None = None,
        expires_in: float | None = None,
        installation: int | None = None,
    ) -> str:
        """A new token of this account; its value. ``permissions`` default to everything, ``repositories`` (full names)
        to all; a token of kind ``app`` or ``actions`` speaks for a bot unless ``login`` says otherwise."""
        bots = {"app": self.app.bot.login, "actions": "github-actions[bot]"}
        account = self.account(login or bots.get(kind, "reviewer"), kind="Bot" if kind in bots else "User")
        prefix = {"personal": "ghp_", "app": "ghs_", "actions": "ghs_"}[kind]
        value = value or prefix + secrets.token_hex(18)
        chosen = None if repositories is None else frozenset(name.lower() for name in repositories)
        expires = None if expires_in is None else self.clock() + expires_in
        held = {"metadata": "read", **(records.EVERYTHING if permissions is None else permissions)}
        self.tokens[value] = Token(value, kind, account, held, chosen, expires, installation)
        return value

    @locked
    def add_installation(
        self,
        owner: str,
        *,
        repositories: Collection[str] | None = None,
        permissions: Mapping[str, str] | None = None,
    ) -> int:
        """Install the app with an account, on all its repositories or on some; the installation's id."""
        chosen = None if repositories is None else frozenset(name.lower() for name in repositories)
        number = self.new_id()
        held = {"metadata": "read", **(records.EVERYTHING if permissions is None else permissions)}
        self.installations[number] = records.Installation(number, self.account(owner), held, chosen)
        self.announcer.installation("created", self.installations[number])
        return number

    @locked
    def suspend_installation(self, number: int, *, suspended: bool = True) -> None:
        """Suspend it, or lift that again: its tokens are refused meanwhile, and there are no new ones."""
        found = replace(self.installations[number], suspended_at=self.now() if suspended else None)
        self.installations[number] = found
        self.announcer.installation("suspend" if suspended else "unsuspend", found)

    @locked
    def remove_installation(self, number: int) -> None:
        """Uninstall the app; its tokens end."""
        self.announcer.installation("deleted", self.installations.pop(number))
        self.tokens = {value: token for value, token in self.tokens.items() if token.installation != number}

    @locked
    def change_installation(self, number: int, *, add: Collection[str] = (), remove: Collection[str] = ()) -> None:
        """Let an installation on chosen repositories see more of them, or fewer; its tokens too. Raises UsageError for
        one that is on all."""
        found = self.installations[number]
        if found.repositories is None:
            raise UsageError(f"Installation {number} is on all repositories.", remedy="Install it on some.")
        gone, new = {name.lower() for name in remove}, {name.lower() for name in add}
        changed = replace(found, repositories=(found.repositories | new) - gone)
        self.installations[number] = changed
        for value, token in self.tokens.items():
            if token.installation == number and token.repositories is not None:
                self.tokens[value] = replace(token, repositories=token.repositories - gone)
        for action, names in (("added", new), ("removed", gone)):
            known = [self.repositories[name] for name in sorted(names) if name in self.repositories]
            if known:
                self.announcer.installation_repositories(action, changed, known)

    @locked
    def use_app(
        self,
        *,
        app_id: int | None = None,
        slug: str = "reviewbot-sandbox",
        public_key: str | None = None,
        hook_url: str = "",
        webhook_secret: str = "",
        events: Collection[str] = records.HOOK_EVENTS,
    ) -> int:
        """Say which App this GitHub knows; its id. With a public key (PEM) its JWTs must be signed to match, with a
        ``hook_url`` on this machine it is told of ``events``, signed when there is a ``webhook_secret``."""
        bot = self.account(f"{slug}[bot]", kind="Bot")
        self.app = records.App(
            app_id or self.app.id,
            slug,
            self.app.owner,
            bot,
            public_key,
            events=tuple(events),
            hook_url=hook_url,
            webhook_secret=webhook_secret,
        )
        return self.app.id
