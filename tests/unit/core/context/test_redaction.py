from __future__ import annotations

import base64
import random
import re
import string
import sysconfig
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.context.redaction import find_secrets, redact, secrets_of

ROOT = Path(__file__).resolve().parents[4]
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
LETTERS, ALNUM = string.ascii_letters, string.ascii_letters + string.digits
BASE64URL, BASE64, HEX = ALNUM + "_-", ALNUM + "+/", "0123456789abcdef"

# ---------------------------------------------------------------------------------------------- planted secrets


def word(chance: random.Random, alphabet: str, length: int) -> str:
    """Random characters with a digit, a capital and a small letter where the alphabet has them."""
    while True:
        made = "".join(chance.choices(alphabet, k=length))
        kinds = (str.isdigit, str.isupper, str.islower)
        if all(any(map(kind, made)) for kind in kinds if any(map(kind, alphabet))):
            return made


def jwt(chance: random.Random) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(b'{"sub":"%d"}' % chance.randrange(10**12)).decode().rstrip("=")
    return f"{head}.{body}.{word(chance, BASE64URL, 43)}"


# Kind -> how a token of it is made. None begins with a letter that a place could swallow.
FORMS: dict[str, Callable[[random.Random], str]] = {
    "AWS-KEY": lambda c: "AKIA" + word(c, string.ascii_uppercase + "234567", 16),
    "GITHUB-TOKEN": lambda c: c.choice(["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]) + word(c, ALNUM, 36),
    "GITHUB-TOKEN (fine)": lambda c: f"github_pat_{word(c, ALNUM, 22)}_{word(c, ALNUM, 59)}",
    "GITLAB-TOKEN": lambda c: "glpat-" + word(c, BASE64URL, 20),
    "OPENAI-KEY": lambda c: "sk-" + word(c, ALNUM, 48),
    "OPENAI-KEY (project)": lambda c: "sk-proj-" + word(c, BASE64URL, 120),
    "OPENAI-KEY (anthropic)": lambda c: "sk-ant-api03-" + word(c, BASE64URL, 93) + "AA",
    "SLACK-TOKEN": lambda c: f"xoxb-{c.randrange(10**11, 10**12)}-{word(c, ALNUM, 24)}",
    "STRIPE-KEY": lambda c: "sk_live_" + word(c, ALNUM, 24),
    "GOOGLE-KEY": lambda c: "AIza" + word(c, BASE64URL, 35),
    "GOOGLE-SECRET": lambda c: "GOCSPX-" + word(c, BASE64URL, 28),
    "SENDGRID-KEY": lambda c: f"SG.{word(c, BASE64URL, 22)}.{word(c, BASE64URL, 43)}",
    "NPM-TOKEN": lambda c: "npm_" + word(c, ALNUM, 36),
    "PYPI-TOKEN": lambda c: "pypi-" + word(c, BASE64URL, 150),
    "HF-TOKEN": lambda c: "hf_" + word(c, ALNUM, 34),
    "JWT": jwt,
}
PLACES = {
    "alone": "{}",
    "sentence": "The key is {}, do not share it.",
    "python": 'client = Client("{}")',
    "python, typed": 'token: str = "{}"',
    "single quotes": "x = ['{}', 'b']",
    "added line": "@@ -1 +1 @@\n+{}\n",
    "removed line": "@@ -1 +1 @@\n-{}\n",
    "context line": " {}\n",
    "json": '{{"token": "{}", "a": 1}}',
    "json in a string": r'"{{\"token\": \"{}\"}}"',
    "escaped line end": r'"first\n{}\nlast"',
    "escaped tab": r'"\t{}"',
    "yaml": "    token: {}\n",
    "env": "+MY_TOKEN={}\n",
    "env with carriage return": "MY_TOKEN={}\r\nB=1\r\n",
    "export": "export MY_TOKEN={}",
    "url query": "https://example.com/a?key={}&b=1",
    "url query, escaped": "https://example.com/a%3Fkey%3D{}%26b",
    "url user": "https://{}@github.com/a/b.git",
    "url password": "https://x-access-token:{}@github.com/a/b.git",
    "header": "Authorization: Bearer {}",
    "curl": "curl -H 'Authorization: token {}' https://api.example.com",
    "xml": "<token>{}</token>",
    "markdown": "`{}`",
    "comment": "# old: {}",
    "dotted": "a.{}",
    "after an underscore": "PREFIX_{}",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS)
def test_no_planted_token_leaks(form: str, place: str) -> None:
    chance = random.Random(f"{form} {place}")
    for _ in range(8):
        token = FORMS[form](chance)
        text = PLACES[place].format(token)
        found = redact(text)
        core = re.sub(r"^(?:sk|gh[a-z]|github|xoxb|hf|npm|pypi|glpat|SG|eyJ|AKIA|AIza|GOCSPX)[-_.]?", "", token)
        rest = re.sub(r"\[REDACTED-[^\]]*\]", "", found.text)
        assert not any(core[at : at + 8] in rest for at in range(len(core) - 8)), found.text
        assert found.restore(found.text) == text
        assert found.text.count("\n") == text.count("\n")


NAMES = ["password", "DB_PASSWORD", "dbPassword", "passwd", "client_secret", "SECRET_KEY", "api_key", "apiKey",
         "API-KEY",
         "access_token", "accessToken", "AWS_SECRET_ACCESS_KEY", "private_key", "auth_key", "token", "credentials",
         "spring.datasource.password", "client-secret", "secretKeyBase", "password2", "SLACK_TOKEN_PROD"]  # fmt: skip
ASSIGNMENTS = [
    '{} = "{}"', "{} = '{}'", '{}="{}"', "{}: str = '{}'", '{}: "{}"', '"{}": "{}",', "'{}': '{}'", '{} := "{}"',
    "'{}' => '{}',", '    {}="{}",', '+    {} = "{}";', '-const {} = "{}";', "+{}={}", "{}={}\r", "  {}: {}",
    'os.environ["{}"] = "{}"', "export {}={}", "private static final String {} = \"{}\";", "{} = b'{}'", "{} = {}",
    'val {}: String = "{}"', '{} = r"{}"', "- {}: '{}'", "{}: {}  # rotate me", "<add key=\"{}\" value=\"{}\"/>",
]  # fmt: skip
VALUES = ["Tr0ub4dor&3", "hunter2-x9!", "k8sJ2mQ9vLx4Rt7w", "3f2a9c81d4e64b7788aa09bc", "p@ssw0rd!2024",
          "S3cr3tV4lue",
          "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzz81kQmPtE", "8c1f0e2d-77aa-4c7e-9f5e-0d1b2a3c4d5e", "aB3$xY7zQ1w"]  # fmt: skip


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_no_value_that_a_name_calls_secret_leaks(name: str, assignment: str) -> None:
    for value in VALUES:
        text = assignment.format(name, value)
        found = redact(text)
        assert value not in found.text
        assert name in found.text
        assert found.restore(found.text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://app:s3cr3tPw@db.example.com/shop", "s3cr3tPw"),
        ("redis://:s3cr3tPw@cache:6379/0", "s3cr3tPw"),
        ("amqps://user:pa$$w0rd1@mq", "pa$$w0rd1"),
        ("mongodb+srv://root:a:b2c3d@cluster0.mongodb.net", "a:b2c3d"),
        ("HTTPS://u:0a1b2c3d@host", "0a1b2c3d"),
        ("https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/abcdEFGH1234ijklMNOP5678", "abcdEFGH1234"),
        ("AccountName=a;AccountKey=bWFkZSB1cCBrZXkgZm9yIGEgdGVzdCBvbmx5IDEyMzQ1Njc4OTA=;B=1", "bWFkZSB1cCBrZXkg"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZDEyMzQ1Ng==", "dXNlcjpwYXNz"),
        ("bearer abcdef0123456789ABCDEFxyz", "abcdef0123456789"),
    ],
)
def test_secrets_inside_addresses_and_headers(text: str, secret: str) -> None:
    found = redact(text)
    assert secret not in found.text
    assert found.restore(found.text) == text


@pytest.mark.parametrize("alphabet", [ALNUM, BASE64, BASE64URL, HEX, LETTERS], ids=lambda alphabet: str(len(alphabet)))
def test_hardly_a_random_value_leaks(alphabet: str) -> None:
    """By letters alone a short random value is not sure to be told from a word; a long one is."""
    chance = random.Random(len(alphabet))
    for length, least in ((12, 0.8), (32, 0.98)):
        values = ["".join(chance.choices(alphabet, k=length)) for _ in range(500)]
        taken = sum(value not in redact(f'+password = "{value}"').text for value in values)
        assert taken >= least * len(values)


# ---------------------------------------------------------------------------------------------- private keys


def key(chance: random.Random, kind: str = "RSA PRIVATE KEY", rows: int = 12, width: int = 64) -> list[str]:
    body = word(chance, BASE64, width * rows - 20) + "=="
    return [f"-----BEGIN {kind}-----", *textwrap.wrap(body, width), f"-----END {kind}-----"]


KEY_KINDS = ["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
KEY_PLACES: dict[str, Callable[[list[str]], str]] = {
    "file": "\n".join,
    "added": lambda rows: "".join(f"+{row}\n" for row in rows),
    "removed": lambda rows: "".join(f"-{row}\n" for row in rows),
    "context": lambda rows: "".join(f" {row}\n" for row in rows),
    "yaml": lambda rows: "key: |\n" + "".join(f"    {row}\n" for row in rows),
    "added yaml": lambda rows: "+key: |\n" + "".join(f"+    {row}\n" for row in rows),
    "python": lambda rows: '+KEY = """' + "\n+".join(rows) + '"""\n',
    "concatenated": lambda rows: "".join(f'+    "{row}\\n"\n' for row in rows),
    "javascript": lambda rows: "".join(f"+  '{row}\\n' +\n" for row in rows),
    "json": lambda rows: '{"key": "' + "\\n".join(rows) + '\\n"}',
    "env": lambda rows: 'KEY="' + "\\n".join(rows) + '"',
    "carriage returns": "\r\n".join,
    "commented": lambda rows: "".join(f"# {row}\n" for row in rows),
    "cut short": lambda rows: "".join(f"+{row}\n" for row in rows[:-3]),
    "without its head": lambda rows: "".join(f" {row}\n" for row in rows[2:-2]),
}


@pytest.mark.parametrize("place", KEY_PLACES)
@pytest.mark.parametrize("kind", KEY_KINDS)
def test_no_row_of_a_private_key_leaks(kind: str, place: str) -> None:
    rows = key(random.Random(f"{kind} {place}"), kind)
    text = KEY_PLACES[place](rows)
    found = redact(text)
    shown = rows[2:-2] if place == "without its head" else rows[1:-3] if place == "cut short" else rows[1:-1]
    for row in shown:
        assert row.rstrip("=") not in found.text
    assert found.text.count("\n") == text.count("\n")
    assert [line[:1] for line in found.text.split("\n")][1:-1] == [line[:1] for line in text.split("\n")][1:-1] or (
        place in ("file", "carriage returns")
    )
    assert found.restore(found.text) == text


def test_a_key_with_headers_and_one_with_a_checksum() -> None:
    chance = random.Random(7)
    rows = key(chance)
    rows[1:1] = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF", ""]
    pgp = ["-----BEGIN PGP PRIVATE KEY BLOCK-----", "Version: GnuPG v2", "", *key(chance)[1:-1], "=aB3d",
           "-----END PGP PRIVATE KEY BLOCK-----"]  # fmt: skip
    for lines in (rows, pgp):
        found = redact("".join(f"+{line}\n" for line in lines))
        for line in lines[4:-2]:
            assert line.rstrip("=") not in found.text


def test_code_cannot_hide_between_the_marks_of_a_key() -> None:
    evil = [
        "import os",
        "os.system(input())",
        "x=1",
        "password_is_checked = False",
        "return True",
        "grant(user,'admin')",
    ]
    rows = ["# -----BEGIN PRIVATE KEY-----", *evil, "# -----END PRIVATE KEY-----"]
    text = redact("".join(f"+{row}\n" for row in rows)).text
    for row in evil:
        assert row in text


def test_a_key_in_the_description_does_not_swallow_the_change() -> None:
    head, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    text = f'Description: {head}\n</pull_request data="n">\n<change data="n">\n+f()\n+{end}'
    assert redact(text).text == text


def test_quotes_of_a_key_in_a_diff_are_restored() -> None:
    rows = key(random.Random(3))
    diff = "\n".join(["@@ -1,3 +1,9 @@", *(f"+{row}" for row in rows), "-old", " same"])
    found = redact(diff)
    quote = "\n".join(line[1:] for line in found.text.split("\n")[2:6])
    assert "REDACTED" in quote
    assert found.restore(quote) == "\n".join(rows[1:5])


# ---------------------------------------------------------------------------------------------- marks


def test_the_same_secret_has_the_same_mark_and_another_has_another() -> None:
    chance = random.Random(1)
    one, two = (FORMS["GITHUB-TOKEN"](chance) for _ in range(2))
    text = redact(f"{one} {two}\n+{one}\n").text
    assert text == "[REDACTED-GITHUB-TOKEN-1] [REDACTED-GITHUB-TOKEN-2]\n+[REDACTED-GITHUB-TOKEN-1]\n"


def test_marks_of_a_common_beginning_are_the_same() -> None:
    chance = random.Random(2)
    tokens = [FORMS["GITHUB-TOKEN"](chance) for _ in range(4)]
    opening = f"a {tokens[0]} b {tokens[1]}\n"
    first, second = (redact(opening + f"x {token}\n").text for token in tokens[2:])
    assert first.split("\n")[0] == second.split("\n")[0] == redact(opening).text.rstrip("\n")


def test_words_that_look_like_a_mark_are_not_restored_to_a_secret() -> None:
    token = FORMS["NPM-TOKEN"](random.Random(5))
    text = f"[REDACTED-NPM-TOKEN-1] {token} [REDACTED-NPM-TOKEN-3] [REDACTED-JWT-1]"
    found = redact(text)
    assert found.text == "[REDACTED-NPM-TOKEN-1] [REDACTED-NPM-TOKEN-2] [REDACTED-NPM-TOKEN-3] [REDACTED-JWT-1]"
    assert found.restore(found.text) == text


def test_the_values_do_not_show_in_a_repr() -> None:
    token = FORMS["NPM-TOKEN"](random.Random(5))
    assert token not in repr(redact(f"a {token} b"))


def test_a_secret_that_reaches_over_the_end_of_another_is_taken_out_whole() -> None:
    chance = random.Random(4)
    token = FORMS["GITHUB-TOKEN"](chance)
    for text in (f"https://{token}:pass9word@host/", f'password="x{token}y9"', f"PASSWORD={token}-and-9more"):
        found = redact(text)
        assert token[8:16] not in found.text
        assert found.restore(found.text) == text
    assert "9more" not in redact(f"PASSWORD={token}-and-9more").text


PARTS = st.one_of(
    st.sampled_from(
        [*(make(random.Random(form)) for form, make in FORMS.items()), *VALUES, *NAMES, *key(random.Random(9)),
         "[REDACTED-AWS-KEY-1]", "[REDACTED-SECRET-2]", "[REDACTED-", "]", "://", ":", "@", "=", ' = "', '"', "'", "\n",
         "\n+", "\n-", "\r\n", " ", "bearer ", "\\n", "AKIA", "ghp_", "eyJ", "AccountKey="]
    ),
    st.text(max_size=12),
)  # fmt: skip


@given(st.lists(PARTS, max_size=25).map("".join))
@settings(deadline=None, max_examples=300)
def test_restoring_undoes_redacting_and_marks_stay_when_redacted_again(text: str) -> None:
    found = redact(text)
    assert found.restore(found.text) == text
    assert found.text.count("\n") == text.count("\n")
    again = redact(found.text).text
    assert all(mark in again for mark in found.secrets)
    for secret in find_secrets(text):
        assert "\n" not in text[secret.start : secret.stop]


@given(st.lists(PARTS, max_size=25).map("".join))
@settings(deadline=None, max_examples=100)
def test_secrets_stand_in_order_and_apart(text: str) -> None:
    found = find_secrets(text)
    ends = [0, *(at for secret in found for at in (secret.start, secret.stop)), len(text)]
    assert ends == sorted(ends)
    assert all(secret.start < secret.stop for secret in found)


# ---------------------------------------------------------------------------------------------- ordinary text


@pytest.mark.parametrize(
    "text",
    [
        'password = os.environ["DB_PASSWORD"]',
        "password = getpass.getpass()",
        'token = request.headers["Authorization"]',
        "secret=self.secret,",
        "token_type: Literal['bearer', 'mac']",
        'password = "changeme"',
        'PASSWORD = "your-password-here"',
        'api_key = "<your api key>"',
        "API_KEY=${API_KEY}",
        "password: {{ vault.password }}",
        'secret_name = "my-database-credentials"',
        'token_url = "https://auth.example.com/oauth2/token"',
        "  token: ${{ secrets.GITHUB_TOKEN }}",
        "postgres://user:${PASSWORD}@localhost/db",
        "postgres://user:$PASSWORD@localhost/db",
        "https://user:{password}@host/",
        "https://<user>:<password>@host/",
        "http://[::1]:8080/a@b",
        "tokens = tokenizer.tokenize(text)",
        "def token(self, secret: str) -> None:",
        'raise ValueError("secret: not a valid key")',
        "- [ ] token: rotate it",
        "Basic authentication is used.",
        "class sk-estimator-doc-link-container",
        "sk-toggleable__control-hidden--visually",
        "sha256:3f2a9c81d4e64b7788aa09bc3f2a9c81d4e64b7788aa09bc3f2a9c81d4e64b77",
        "c0ffee254729296a45a3885639ac7e10f9d54979",
        "https://github.com/a/b/blob/main/c.py#L10-L20",
        '"integrity": "sha512-x0UYfe3dbdG9wZmD1c1cQ0C+zBs4Zrn1oYlcC2UpGEw=="',
        'password_reset_url = "/reset/<uidb64>/<token>/"',
        'TOKEN_PREFIX = "ghp_"',
        'secret_key_file = "/etc/app/secret.key"',
    ],
)
def test_ordinary_text_is_untouched(text: str) -> None:
    assert redact(text).text == text


def test_our_own_sources_are_untouched() -> None:
    for path in sorted(ROOT.glob("reviewbot/**/*.py")):
        text = path.read_text(encoding="utf-8")
        found = redact("\n".join(f"+{line}" for line in text.split("\n")))
        assert found.secrets == {}, (path, dict(found.secrets))


def test_the_standard_library_is_nearly_untouched() -> None:
    marks = size = 0
    for path in sorted(STANDARD_LIBRARY.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        marks += len(redact(text).secrets)
        size += len(text)
    assert size > 4_000_000
    assert marks <= 2


# ---------------------------------------------------------------------------------------------- hostile text

MEGABYTE = 1_000_000
KEY_HEAD = "-----BEGIN PRIVATE KEY-----"
HOSTILE = {
    "aws": "AKIA",
    "aws, nearly": "AKIAABCDEFGHIJKLMNO ",
    "github": "ghp_",
    "github, nearly": "ghp_" + "a" * 29 + " ",
    "pat": "github_pat_",
    "gitlab": "glpat-",
    "gitlab, nearly": "glpat-" + "a" * 19 + " ",
    "openai": "sk-",
    "openai, long": "sk-" + "a" * 40,
    "slack": "xoxb-",
    "hook": "hooks.slack.com/services/",
    "stripe": "sk_live_",
    "google": "AIza",
    "google secret": "GOCSPX-",
    "sendgrid": "SG.",
    "sendgrid, nearly": "SG." + "a" * 64 + ".",
    "npm": "npm_",
    "pypi": "pypi-",
    "hf": "hf_",
    "azure": "AccountKey=",
    "jwt": "eyJ",
    "jwt-": "eyJ-",
    "jwt.": "eyJaaaaaaaaaaa.",
    "jwt, nearly": "eyJaaaaaaaaaaa.eyJaaaaaaaaaaa-",
    "url": "://",
    "url, letters": "a.",
    "url, user": "://a:",
    "url, nearly": "://" + "a" * 99 + ":",
    "password": "password",
    "password =": "password=",
    "password -": "password-",
    "password :": "password: ",
    "password, blank": "password \t",
    "password, typed": "password: a",
    "password, quote": 'password="',
    "password, long": 'password="' + "a" * 190,
    "secret]": "secret]",
    "key_": "api_key_",
    "token.": "token.a.",
    "bearer": "bearer ",
    "bearer, run": "bearer",
    "basic": "basic\t",
    "blanks": " ",
    "tabs": "\t",
    "dashes": "-",
    "plus": "+",
    "letters": "a",
    "capitals": "A",
    "digits": "0",
    "newlines": "\n",
    "key head": KEY_HEAD,
    "key head line": KEY_HEAD + "\n",
    "key begin": "-----BEGIN ",
    "key header": "Abcd: -----BEGIN PRIVATE KEY-----\n",
    "key rows": "a" * 64 + "\n",
    "key, short rows": KEY_HEAD + "\n" + "ab\n" * 20,
    "key, one row": KEY_HEAD + "a" * 24 + "\n",
    "key, escapes": KEY_HEAD + "\\n\\n",
    "key, end": KEY_HEAD + " ,",
    "pem, hex": "0" * 64 + "\n",
    "mark": "[REDACTED-AWS-KEY-1]",
    "mark, open": "[REDACTED-",
    "env": "A_TOKEN=abcdefg1\n",
    "dotted name": "a.a-a_",
    "underscores": "_",
    "quotes": "'\"",
    "backslashes": "\\",
    "colon": ":",
    "at": "@",
}


def seconds_of(text: str) -> float:
    """A busy machine makes any single measure late; the least of several is the text's own."""
    begun = time.process_time()
    redact(text)
    return time.process_time() - begun


@pytest.mark.parametrize("form", HOSTILE)
def test_hostile_text_takes_linear_time(form: str) -> None:
    """Two seconds a megabyte at most; what is quadratic takes a minute."""
    unit = HOSTILE[form]
    for start in ("", "-----BEGIN PRIVATE KEY-----\n"):
        text = start + unit * (MEGABYTE // 10 // len(unit))
        assert min(seconds_of(text) for _ in range(3)) < 0.3


@pytest.mark.parametrize(
    "unit", ["-", "a-", "a1-", "a", "A", "aA", "aa", "AAa", "1", "$", ".", "<", "{", "a.b1_", "9a-"]
)
@pytest.mark.parametrize("end", ["!1a", "é", "=", ""])
def test_hostile_values_take_no_time(unit: str, end: str) -> None:
    value = (unit * 200)[: 200 - len(end)] + end
    begun = time.process_time()
    for text in (f'password="{value}"', f"password: {value}", f"<password>{value}</password>", f"bearer {value}"):
        redact(text)
    assert time.process_time() - begun < 0.5


def test_many_different_secrets_take_linear_time() -> None:
    chance = random.Random(6)
    text = "\n".join("AKIA" + "".join(chance.choices(string.ascii_uppercase, k=16)) for _ in range(MEGABYTE // 21))
    begun = time.process_time()
    found = redact(text)
    assert len(found.secrets) == MEGABYTE // 21
    assert found.restore(found.text) == text
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ('password: "tr0ub4dor&3xy"', ("tr0ub4dor&3xy",)),
        ("use correcthorsebatterystaple now", ("correcthorsebatterystaple",)),
        ("export API=aB3dE5fG7hI9jK1l # see internal_notes", ("aB3dE5fG7hI9jK1l",)),
        ("a = 1", ()),
    ],
)
def test_what_may_be_the_secret_of_a_line(line: str, values: tuple[str, ...]) -> None:
    assert secrets_of(line) == values


def test_known_secrets_are_taken_out() -> None:
    done = redact("say swordfish, then swordfish.", ["swordfish"])
    assert done.text == "say [REDACTED-SECRET-1], then [REDACTED-SECRET-1]."
    assert done.restore(done.text) == "say swordfish, then swordfish."
