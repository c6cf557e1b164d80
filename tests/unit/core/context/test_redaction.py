"""No planted credential leaves, ordinary code stays as it is, and no line is added, lost or hidden."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.context.redaction import find_secrets, redact

ALNUM = string.ascii_letters + string.digits
BASE64 = ALNUM + "+/"


def some(rng: random.Random, letters: str, size: int) -> str:
    """Random letters with at least one digit and one capital, as a real credential of that length has."""
    return "".join(rng.choices(letters, k=size - 3)) + "7Qz"


def credentials(rng: random.Random) -> Iterator[tuple[str, str]]:
    """One of each known form, as (kind, credential)."""
    yield "AWS-KEY", "AKIA" + "".join(rng.choices(string.ascii_uppercase + string.digits, k=16))
    for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"):
        yield "GITHUB-TOKEN", prefix + some(rng, ALNUM, 36)
    yield "GITHUB-TOKEN", "github_pat_" + some(rng, ALNUM + "_", 82)
    yield "GITLAB-TOKEN", "glpat-" + some(rng, ALNUM + "_-", 20)
    for prefix in ("sk-", "sk-proj-", "sk-svcacct-", "sk-ant-api03-"):
        yield "OPENAI-KEY", prefix + some(rng, ALNUM, 48)
    yield "SLACK-TOKEN", "xoxb-123456789012-" + some(rng, ALNUM, 24)
    yield "SLACK-TOKEN", "xapp-1-" + some(rng, ALNUM, 40)
    yield "STRIPE-KEY", "sk_live_" + some(rng, ALNUM, 24)
    yield "STRIPE-KEY", "rk_test_" + some(rng, ALNUM, 24)
    yield "GOOGLE-KEY", "AIza" + some(rng, ALNUM + "_-", 35)
    yield "SENDGRID-KEY", f"SG.{some(rng, ALNUM, 22)}.{some(rng, ALNUM, 43)}"
    yield "NPM-TOKEN", "npm_" + some(rng, ALNUM, 36)
    yield "PYPI-TOKEN", "pypi-AgEIcHlwaS5vcmc" + some(rng, ALNUM, 120)
    yield "HF-TOKEN", "hf_" + some(rng, ALNUM, 34)
    yield "JWT", f"eyJ{some(rng, ALNUM, 33)}.eyJ{some(rng, ALNUM, 80)}.{some(rng, ALNUM + '_-', 43)}"


PLACES = [
    '+key = "{}"',
    "-    client = Client('{}')",
    " # {} was here",
    '+  "value": "{}",',
    "+export SOME_THING={}",
    "+curl -H 'X-Key: {}' https://api.test/v1",
    "+{}",
    "+a: {}\r",
]


@pytest.mark.parametrize("seed", range(20))
def test_no_known_form_leaks_anywhere(seed: int) -> None:
    rng = random.Random(seed)
    for kind, secret in credentials(rng):
        for place in PLACES:
            text = f"@@ -1 +1 @@\n{place.format(secret)}\n other\n"
            redacted = redact(text)
            assert secret not in redacted.text, (kind, place)
            assert f"[REDACTED-{kind}-1]" in redacted.text, (kind, place)
            assert redacted.restore(redacted.text) == text


NAMED = [
    '+    password = "{}"',
    "+SECRET_KEY = '{}'",
    '+DB_PASSWORD: str = "{}"',
    '+const apiKey: string = "{}";',
    "+  client_secret: '{}'",
    '+  "accessToken": "{}",',
    "+config['auth_token'] = '{}'",
    "+password: {}",
    "+aws_secret_access_key = {}",
    "+export API_TOKEN={}\r",
    "+MYSQL_ROOT_PASSWORD={}",
    '+let token := "{}"',
    "+  'private_key' => '{}',",
    '+connect(host, password="{}")',
    "+url = 'postgres://admin:{}@db.test/shop'",
    "+REDIS=redis://:{}@cache:6379",
    '+headers = {{"Authorization": "Bearer {}"}}',
]


@pytest.mark.parametrize("place", NAMED)
def test_random_values_with_a_telling_name_do_not_leak(place: str) -> None:
    rng = random.Random(place)
    for size in (24, 32, 40, 64):
        for _ in range(30):
            secret = some(rng, ALNUM, size)
            text = place.format(secret) + "\n"
            redacted = redact(text)
            assert secret not in redacted.text
            assert redacted.restore(redacted.text) == text


@pytest.mark.parametrize("secret", ["hunter2x", "Tr0ub4dor&3", "s3cr3t!!", "P@ssw0rd", "Pa$$w0rd1"])
def test_short_passwords_do_not_leak(secret: str) -> None:
    for line in (f'+password = "{secret}"', f"+url = ftp://me:{secret}@host/x".replace("P@", "P")):
        assert secret not in redact(line).text


def private_key(rng: random.Random, label: str, width: int = 64) -> list[str]:
    rows = ["".join(rng.choices(BASE64, k=width)) for _ in range(12)] + ["".join(rng.choices(BASE64, k=22)) + "=="]
    return [f"-----BEGIN {label}-----", *rows, f"-----END {label}-----"]


@pytest.mark.parametrize(
    "label", ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
)
@pytest.mark.parametrize("width", [64, 70, 76])
def test_private_keys_lose_every_row_and_keep_their_lines(label: str, width: int) -> None:
    rows = private_key(random.Random(label), label, width)
    layouts = [
        "\n".join(f"+{row}" for row in rows),
        "\n".join(f" {row}" for row in rows),
        "\r\n".join(rows),
        "+  key: |\n" + "\n".join(f"+      {row}" for row in rows),
        '+KEY = """' + "\n+".join(rows) + '"""',
        "+" + '  "private_key": "' + "\\n".join(rows) + '\\n",',
        "\n".join(f'+    "{row}\\n" +' for row in rows),
        "\n".join([f"+{rows[0]}", "+Proc-Type: 4,ENCRYPTED", "+DEK-Info: AES-128-CBC,8A2B", "+"])
        + "\n+"
        + "\n+".join(rows[1:]),
    ]
    for text in layouts:
        redacted = redact(text)
        assert not [row for row in rows[1:-1] if row in redacted.text], text
        assert redacted.text.count("\n") == text.count("\n")
        assert rows[0] in redacted.text
        assert rows[-1] in redacted.text
        assert redacted.restore(redacted.text) == text


def test_the_middle_of_a_key_in_a_cut_hunk_does_not_leak() -> None:
    rows = private_key(random.Random(3), "RSA PRIVATE KEY")
    assert redact("\n".join(f"+{row}" for row in rows[3:9])).text.count("[REDACTED-PRIVATE-KEY-") == 6


def test_key_marks_hide_no_code() -> None:
    """Code that pretends to stand in a private key must still be reviewed."""
    text = (
        "+# -----BEGIN PRIVATE KEY-----\n+os.system(request.args['cmd'])\n+return True\n+# -----END PRIVATE KEY-----\n"
    )
    assert redact(text).text == text


@pytest.mark.parametrize(
    "line",
    [
        'sha = "3f786850e387550fdab836ed7e6dc881de23001b"',
        "id: 123e4567-e89b-12d3-a456-426614174000",
        "+uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        'src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="',
        '<div data-testid="user-profile-card-42">',
        'class="sk-fading-circle sk-circle-container-inner-wrapper"',
        "password = get_password(user)",
        'password = os.environ["DB_PASSWORD"]',
        'password: "${DB_PASSWORD}"',
        "password: {{ vault_password }}",
        '<input type="password" autocomplete="current-password">',
        'token_type: "application/json"',
        'TOKEN_URL = "https://auth.test/oauth2/token"',
        "max_tokens: 4096",
        "self.token = settings.API_TOKEN",
        "token = next_token",
        "def check(password: str, token: Optional2) -> bool:",
        'secret_name = "my-secret-v2"',
        'token = "test-token-1"',
        "https://github.test/o/r/pull/12#discussion_r1234567890",
        "git@github.test:o/r.git",
        "redis://localhost:6379/0",
        "http://localhost:8080/@scope/name",
        "0x3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed",
        " 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "password = '<your password here>'",
    ],
)
def test_ordinary_code_is_untouched(line: str) -> None:
    assert redact(f"+{line}\n").text == f"+{line}\n"


def test_the_same_secret_has_the_same_mark_and_others_have_others() -> None:
    rng = random.Random(5)
    first, second = (f"ghp_{some(rng, ALNUM, 36)}" for _ in range(2))
    assert redact(f"{first} {second} {first}").text == (
        "[REDACTED-GITHUB-TOKEN-1] [REDACTED-GITHUB-TOKEN-2] [REDACTED-GITHUB-TOKEN-1]"
    )


def test_words_that_look_like_a_mark_are_not_restored_to_a_secret() -> None:
    secret = "AKIA" + "Q7" * 8
    text = f"+# [REDACTED-AWS-KEY-1]\n+key = '{secret}'\n"
    redacted = redact(text)
    assert secret not in redacted.text
    assert redacted.restore("[REDACTED-AWS-KEY-1]") == "[REDACTED-AWS-KEY-1]"
    assert redacted.restore(redacted.text) == text


def test_redacting_again_changes_nothing() -> None:
    once = redact('+password = "hunter2x"\n+key = "' + "AKIA" + "Q7" * 8 + '"\n').text
    assert redact(once).text == once


def test_secrets_are_found_with_their_place() -> None:
    text = "a = 'AKIA" + "Q7" * 8 + "'"
    (found,) = find_secrets(text)
    assert (found.kind, text[found.start : found.stop]) == ("AWS-KEY", "AKIA" + "Q7" * 8)


def test_a_secret_is_not_shown_by_repr() -> None:
    assert "hunter2x" not in repr(redact('password = "hunter2x"'))


TEXT = st.text(st.sampled_from("aZ7 +-/=_.:'\"\\\n\r\t[]{}()$@é")) | st.sampled_from(["password", "-----BEGIN "])


@given(
    st.lists(TEXT | st.sampled_from(["token=", "sk-", "eyJ", "://a:", "PRIVATE KEY-----\n", "-----END "]), max_size=30)
)
@settings(deadline=None, max_examples=150)
def test_restoring_gives_the_text_back_and_lines_stay(parts: list[str]) -> None:
    text = "".join(parts)
    redacted = redact(text)
    assert redacted.restore(redacted.text) == text
    assert redacted.text.count("\n") == text.count("\n")


UNITS = (
    "password|token=|eyJa.|-----BEGIN PRIVATE KEY-----|://a:|sk-|\\n| |\n+|secret: a|Bearer |Abcd: x\n|gh|=|bearer a|"
    f"{'a' * 40}|{'A' * 63}|-----BEGIN PRIVATE KEY-----\n{'A' * 30}"
)


@pytest.mark.parametrize("unit", UNITS.split("|"))
def test_time_is_linear(unit: str) -> None:
    text = unit * (400_000 // len(unit))
    before = time.process_time()
    find_secrets(text)
    assert time.process_time() - before < 3
