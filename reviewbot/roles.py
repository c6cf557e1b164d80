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
_KEY = frozenset({"REVIEWBOT_PRIVATE_KEY", "REVIEWBOT_PRIVATE_KEY_FILE"})
_TOKEN = frozenset({"REVIEWBOT_TOKEN_SECRET"})
_SHARED = frozenset({"REVIEWBOT_ADMIN_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"})
#: Secrets by role. A person's token (GITHUB_TOKEN) is for none: the App has tokens of its own.
HOLDS: Mapping[Role, frozenset[str]] = {
    Role.ALL: _KEY | {variable.name for variable in VARIABLES if variable.secret},
    Role.RECEIVER: _SHARED | {"REVIEWBOT_WEBHOOK_SECRET"},
    Role.WORKER: _SHARED | _PROVIDER | _TOKEN,
    Role.POSTER: _SHARED | _KEY | _TOKEN,
}


def environment_for(role: Role, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that a process of this role is started with: all of it, but for the secrets of the others. A
    worker with nobody to ask for tokens keeps the App's key, and makes itself tokens that read."""
    secret = {variable.name for variable in VARIABLES if variable.secret} | {"REVIEWBOT_PRIVATE_KEY_FILE"}
    alone = role is Role.WORKER and not environ.get("REVIEWBOT_TOKEN_URL")
    withheld = secret - HOLDS[role] - (_KEY if alone else frozenset())
    return {name: value for name, value in environ.items() if name not in withheld}
