"""The applications of a server's processes, built as `reviewbot serve` builds them, with nothing started."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.routing import Route

from reviewbot.roles import Role, environment_for
from reviewbot.settings import read_settings
from webhooks.roles import build_parts


@cache
def _key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def environment(folder: Path) -> dict[str, str]:
    """Everything that any role needs."""
    return {
        "REVIEWBOT_DATA_DIR": str(folder),
        "REVIEWBOT_APP_ID": "1",
        "REVIEWBOT_APP_SLUG": "reviewbot",
        "REVIEWBOT_PRIVATE_KEY": _key(),
        "REVIEWBOT_WEBHOOK_SECRET": "a webhook secret",
        "REVIEWBOT_ADMIN_TOKEN": "an-admin-token-of-tests",
        "REVIEWBOT_TOKEN_URL": "http://127.0.0.1:1",
        "REVIEWBOT_TOKEN_SECRET": "a-token-secret-of-tests",
        "REVIEWBOT_API_BASE": "http://127.0.0.1:1",
        "REVIEWBOT_API_KEY": "a-key-of-tests",
    }


def endpoints(role: Role, folder: Path) -> list[tuple[str, str]]:
    """Method and path of all that a process of this role answers."""
    settings = read_settings(environment_for(role, environment(folder))).for_role(role)
    app = build_parts(role, settings, lambda: None).app
    routes = [route for route in app.routes if isinstance(route, Route)]
    assert len(routes) == len(app.routes), "a mount or a socket: teach this function about it"
    return [(method, route.path) for route in routes for method in (route.methods or set()) - {"HEAD"}]
