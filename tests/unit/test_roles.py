"""Which process holds which secret."""

from __future__ import annotations

import pytest

from reviewbot.roles import HOLDS, Role, environment_for
from reviewbot.settings import Settings, read_settings
from reviewbot.variables import VARIABLES

SECRETS = {variable.name for variable in VARIABLES if variable.secret}
EVERYTHING = {variable.name: "x" for variable in VARIABLES} | {"PATH": "/bin", "LANG": "C"}


@pytest.mark.parametrize("role", Role)
def test_a_process_is_started_without_the_secrets_of_others(role: Role) -> None:
    found = environment_for(role, EVERYTHING)
    assert set(found) & SECRETS == HOLDS[role] & SECRETS
    assert {"PATH", "LANG", "REVIEWBOT_DATABASE_URL"} <= found.keys()


def test_nobody_holds_both_ends() -> None:
    """Who asks the model writes nothing, who writes asks no model, and who listens to strangers does neither."""
    provider = {name for name in SECRETS if name.endswith("API_KEY")}
    assert provider <= HOLDS[Role.WORKER]
    assert not provider & (HOLDS[Role.POSTER] | HOLDS[Role.RECEIVER])
    assert "REVIEWBOT_PRIVATE_KEY" in HOLDS[Role.POSTER]
    assert not {"REVIEWBOT_PRIVATE_KEY", "GITHUB_TOKEN"} & (HOLDS[Role.WORKER] | HOLDS[Role.RECEIVER])
    assert "REVIEWBOT_WEBHOOK_SECRET" not in HOLDS[Role.WORKER] | HOLDS[Role.POSTER]
    assert "REVIEWBOT_PRIVATE_KEY_FILE" not in environment_for(Role.WORKER, EVERYTHING)
    assert "REVIEWBOT_PRIVATE_KEY_FILE" in environment_for(Role.POSTER, EVERYTHING)


def test_settings_read_from_a_file_are_dropped_too() -> None:
    whole = Settings(
        github_token="t", api_key="k", private_key="p", webhook_secrets=("s",), token_secret="w", token_url="unix:/x"
    )
    receiver, worker, poster = (whole.for_role(role) for role in (Role.RECEIVER, Role.WORKER, Role.POSTER))
    assert (receiver.github_token, receiver.api_key, receiver.private_key, receiver.token_secret) == ("", "", "", "")
    assert (worker.github_token, worker.private_key, worker.webhook_secrets) == ("", "", ())
    assert (poster.github_token, poster.api_key, poster.webhook_secrets) == ("", "", ())
    assert (receiver.webhook_secrets, worker.api_key, poster.private_key) == (("s",), "k", "p")
    assert whole.for_role(Role.ALL) == whole


def test_a_worker_alone_keeps_the_key_it_needs() -> None:
    assert read_settings({}).for_role(Role.WORKER).private_key == ""
    assert Settings(private_key="p").for_role(Role.WORKER).private_key == "p"
    alone = {name: "x" for name in EVERYTHING if name != "REVIEWBOT_TOKEN_URL"}
    assert {"REVIEWBOT_PRIVATE_KEY", "REVIEWBOT_PRIVATE_KEY_FILE"} <= environment_for(Role.WORKER, alone).keys()
    assert "REVIEWBOT_PRIVATE_KEY" not in environment_for(Role.RECEIVER, alone)
