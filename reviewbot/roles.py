"""Pure: the roles of a server's processes, and which secrets each may hold."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from reviewbot.variables import VARIABLES


class Role(StrEnum):
    """What a process does. ``all`` is one process of each on one machine."""

    ALL = "all"
    RECEIVER = "receiver"
    WORKER = "worker"
    POSTER = "poster"


_PROVIDER = frozenset({"REVIEWBOT_API_KEY", "AIMLAPI_API_KEY", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"})
_KEY = frozenset({"REVIEWBOT_PRIVATE_KEY"})
_TOKEN = frozenset({"REVIEWBOT_TOKEN_SECRET"})
_SHARED = frozenset({"REVIEWBOT_ADMIN_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"})
#: Secrets by role. A person's token (GITHUB_TOKEN) is for none: the App has tokens of its own.
HOLDS: Mapping[Role, frozenset[str]] = {
    Role.ALL: frozenset(variable.name for variable in VARIABLES if variable.secret),
    Role.RECEIVER: _SHARED | {"REVIEWBOT_WEBHOOK_SECRET"},
    Role.WORKER: _SHARED | _PROVIDER | _TOKEN,
    Role.POSTER: _SHARED | _KEY | _TOKEN,
}


def environment_for(role: Role, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that a process of this role is started with: all of it, but for the secrets of the others."""
    secret = {variable.name for variable in VARIABLES if variable.secret}
    withheld = secret - HOLDS[role]
    if role in (Role.RECEIVER, Role.WORKER):
        withheld |= {"REVIEWBOT_PRIVATE_KEY_FILE"}
    return {name: value for name, value in environ.items() if name not in withheld}
