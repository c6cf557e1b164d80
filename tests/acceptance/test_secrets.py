"""Secrets in a diff reach neither the model nor GitHub nor the database nor the terminal; nor do our own."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from .conftest import Git, World, finding, reply

# None of these is real; each has the form of one. They are put together so that no scanner takes this file for a leak.
AWS = "AKIA" + "Q7RVMS4XTN2KLW3B"
GITHUB = "ghp_" + "Zx81kQm3" * 4 + "Yw72"
SLACK = "xoxb-" + "448812345678-" + "Qm3Zx81kYw72"
STRIPE = "sk_live_" + "9aK2mQ7xT4vB8nC1dE5f"
PASSWORD = "tr0ub4dor" + "&3-Kx9!zQ"
KEY_LINES = [base64.b64encode(hashlib.sha384(f"{n}".encode()).digest()).decode() for n in range(24)]  # of 64 characters
DASHES = "-" * 5
PEM = "\n".join([f"{DASHES}BEGIN RSA PRIVATE KEY{DASHES}", *KEY_LINES, f"{DASHES}END RSA PRIVATE KEY{DASHES}"])
URL_PASSWORD = "hunter2Kx9zQ"
SECRETS = (AWS, GITHUB, SLACK, STRIPE, PASSWORD, *KEY_LINES, URL_PASSWORD)
SOURCE = f'''"""Settings of the shop."""

import boto3

CLIENT = boto3.client("s3", aws_access_key_id="{AWS}")
GITHUB_TOKEN = "{GITHUB}"
SLACK = "{SLACK}"
stripe_api_key = "{STRIPE}"
password = "{PASSWORD}"
DATABASE = "postgres://shop:{URL_PASSWORD}@db.example.org/shop"
KEY = """{PEM}"""
BROKEN = None == CLIENT
'''


@pytest.fixture
def served(tmp_path: Path) -> Path:
    git = Git(tmp_path / "own").init({"shop.py": "A = 1\n", "old.py": f'password = "{PASSWORD}"\n'})
    git.branch("leaky", {"settings.py": SOURCE, "old.py": "import os\n", ".env": f"TOKEN={GITHUB}\n"}, f"Add {AWS}")
    rows = "".join(f"ROW_{n} = compute({n}, {n} + 1, {n} + 2, {n} + 3)\n" for n in range(60))
    git.branch("long", {"settings.py": f'{rows}KEY = """{PEM}"""\n{rows}'}, "A key between many rows")
    git("switch", "-q", "main")
    return git.path


def quoting(prompt: str) -> str:
    """A model that quotes every line it was shown, and repeats them in its words."""
    rows = [row[1:] for row in prompt.partition("<change ")[2].splitlines() if row.startswith("+") and "=" in row]
    found = [
        finding(path="settings.py", quote=row, title=f"A secret: {row}", body=row, evidence=row, suggestion=row)
        for row in rows
    ]
    return json.dumps(reply(*found, explanation=" ".join(rows)))


@pytest.mark.parametrize("form", ["text", "json", "markdown", "sarif", "html"])
def test_secrets_in_the_diff_stay_where_they_are(world: World, form: str) -> None:
    world.answers(quoting)
    url = world.open("leaky", body=f"Uses {SLACK} and {GITHUB}", title=f"Key {STRIPE}")
    assert world.review(url, "--dry-run", "--format", form).code == 0
    assert world.review(url, "--format", form, "--set", "review.min_severity=nit").code == 0
    assert "[REDACTED-" in world.prompts[0]
    text = world.everything()
    for secret in SECRETS:
        assert secret not in text, f"{secret[:9]}… got out"


@pytest.mark.parametrize("target", [2000, 2200, 2400, 2600, 3000])
def test_also_where_a_key_is_cut_by_a_chunk(world: World, target: int) -> None:
    world.answers(quoting)
    assert world.review(world.open("long"), "--set", f"chunks.target_tokens={target}").code == 0
    assert world.asked >= 2
    text = world.everything()
    assert [row for row in KEY_LINES if row in text] == []


def test_the_findings_stand_on_their_lines_all_the_same(world: World) -> None:
    world.answers(quoting)
    world.review(world.open("leaky"))
    assert {(comment.path, comment.line) for comment in world.comments} >= {
        ("settings.py", n) for n in (5, 6, 7, 8, 9, 10)
    }


def test_a_file_of_secrets_is_not_sent_at_all(world: World) -> None:
    found = world.review(world.open("leaky"), "--format", "json").json
    (file,) = [f for f in found["coverage"]["files"] if f["path"] == ".env"]
    assert file["reason"].startswith("secret-file")
    assert "=== .env" not in world.prompts[0]


def test_a_model_that_makes_up_a_secret_cannot_post_it(world: World) -> None:
    """Whatever it says goes through the same door."""
    made_up = finding(body=f"Use `{AWS}` or {GITHUB}.", title=f"Try {SLACK}", suggestion=f'    if state != "{STRIPE}":')
    world.answers(lambda _: reply(made_up, explanation=f"See {PEM}"))
    world.review(world.open("leaky"))
    world.review(world.open("leaky"), "--dry-run")
    for secret in (AWS, GITHUB, SLACK, STRIPE, *KEY_LINES):
        assert secret not in world.posted


def test_errors_do_not_repeat_the_key(world: World) -> None:
    """The world of these tests looks for the token and the key in everything after each test; here they are refused."""
    done = world.review(world.open("leaky"), REVIEWBOT_API_KEY="wrong-but-secret-key-1")
    assert done.code == 5
    assert "wrong-but-secret-key-1" not in done.err
    done = world.review("octo/shop#1", GITHUB_TOKEN="ghp_" + "a1B2" * 9)
    assert done.code == 4
    assert "a1B2" * 9 not in done.err


def test_git_is_given_the_token_by_its_environment(world: World) -> None:
    """Over 406 the change comes by git; the token is in no argument, no file and no message."""
    world.hosted.private = True
    world.github.faults.add("^GET /repos/octo/shop/pulls/1$", "status:406", passing=1)
    assert world.review(world.open("leaky")).code == 0
    assert world.fetches
