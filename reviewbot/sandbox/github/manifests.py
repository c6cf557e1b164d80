"""Registering the App from a manifest: the two pages that a person sees on GitHub, and the exchange of the code.

As on GitHub, one mistake in the manifest and there is no App; a code is good once and for an hour.
https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import json
import re
import secrets
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from reviewbot.sandbox.github import payloads_apps
from reviewbot.sandbox.github.calls import Answer, Call, Routes, answer, not_found
from reviewbot.sandbox.github.records import App

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewbot.sandbox.github.state import SandboxGitHub

routes = Routes()

#: Events that an App can subscribe to (a part of GitHub's list), each with the permission that it takes.
_EVENTS = {
    "pull_request": "pull_requests",
    "pull_request_review": "pull_requests",
    "pull_request_review_comment": "pull_requests",
    "pull_request_review_thread": "pull_requests",
    "issue_comment": "issues",
    "issues": "issues",
    "check_run": "checks",
    "check_suite": "checks",
    "push": "contents",
    "status": "statuses",
    "repository": "metadata",
}
_PERMISSIONS = {"actions", "administration", "checks", "contents", "issues", "members", "metadata", "pull_requests",
                "statuses", "workflows"}  # fmt: skip
_CODE_SECONDS = 3_600
_NAME_LENGTH = 34
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = "body { font: 15px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }"


def problems(manifest: object) -> list[str]:
    """What GitHub finds wrong with a manifest, in its words."""
    if not isinstance(manifest, dict):
        return ["The configuration does not appear to be a valid GitHub App manifest."]
    hook = manifest.get("hook_attributes")
    found = [
        f'"{name}" wasn\'t supplied.'
        for name, missing in (
            ("url", not _is_url(manifest.get("url"))),
            ("url", hook is not None and not (isinstance(hook, dict) and _is_url(hook.get("url")))),
            ("redirect_url", not _is_url(manifest.get("redirect_url"))),
        )
        if missing
    ]
    if len(str(manifest.get("name") or "")) > _NAME_LENGTH:
        found.append(f"Name is too long (maximum is {_NAME_LENGTH} characters)")
    return found + _unfit(manifest.get("default_permissions") or {}, manifest.get("default_events") or [])


def _unfit(permissions: Mapping[str, str], events: list[str]) -> list[str]:
    """Permissions that there are not, and events that none of the permissions covers."""
    odd = [name for name, level in permissions.items() if name not in _PERMISSIONS or level not in ("read", "write")]
    found = ["Default permission records resource is not included in the list"] if odd else []
    unknown = [event for event in events if event not in _EVENTS]
    uncovered = [event for event in events if _EVENTS.get(event) not in {"metadata", *permissions}]
    found += [f"Default events unsupported: {' and '.join(unknown)}"] if unknown else []
    return found + (
        [f"Default events are not supported by permissions: {' and '.join(uncovered)}"] if uncovered else []
    )


def _is_url(value: object) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).hostname)


@routes.on("POST", "/settings/apps/new", "none")
@routes.on("POST", "/organizations/{org}/settings/apps/new", "none")
def new_app_page(call: Call) -> Answer:
    """The page that a manifest is sent to: the person may change the name, and creates the App with one button."""
    manifest = _manifest(_form(call))
    wrong = problems(manifest)
    if wrong or manifest is None:
        return _refused(wrong)
    owner = call.params.get("org") or call.github.app.owner.login
    fields = {"manifest": json.dumps(manifest), "state": call.query.get("state", ""), "owner": owner}
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in fields.items())
    name = escape(str(manifest.get("name") or ""))
    form = (
        f'<form method="post" action="/settings/apps/create">{hidden}<label>GitHub App name '
        f'<input name="name" value="{name}" maxlength="{_NAME_LENGTH}" required></label> '
        f"<button>Create GitHub App for {escape(owner)}</button></form>"
    )
    return _page("Create GitHub App", form)


@routes.on("POST", "/settings/apps/create", "none")
def create_app_page(call: Call) -> Answer:
    """The button: back to the server that sent the manifest, with a code."""
    form = _form(call)
    manifest = (_manifest(form) or {}) | {"name": form.get("name", "")}
    wrong = problems(manifest)
    if wrong:
        return _refused(wrong)
    code = offer_manifest(call.github, manifest, owner=form.get("owner", ""))
    target = str(manifest["redirect_url"])
    query = f"code={code}" + (f"&state={quote(form['state'], safe='')}" if form.get("state") else "")
    return Answer(302, b"", headers={"location": f"{target}{'&' if '?' in target else '?'}{query}"})


def offer_manifest(github: SandboxGitHub, manifest: Mapping[str, Any], *, owner: str = "") -> str:
    """Remember a good manifest; the code that is exchanged for the App."""
    code = secrets.token_hex(20)
    github.manifests[code] = ({**manifest, "owner": owner}, github.clock() + _CODE_SECONDS)
    return code


@routes.on("POST", "/app-manifests/{code}/conversions", "none")
def convert_manifest(call: Call) -> Answer:
    """The App, its key and its secrets, once. Its installations are yet to come."""
    github = call.github
    manifest, ends = github.manifests.pop(call.params["code"], ({}, 0.0))
    if github.clock() >= ends or problems(manifest):
        raise not_found()
    private_key, public_key = _key_pair()
    number, name = github.new_id(), str(manifest.get("name") or "app")
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    hook = manifest.get("hook_attributes") or {}
    github.app = App(
        id=number,
        slug=slug,
        owner=github.account(str(manifest["owner"]) or github.app.owner.login),
        bot=github.account(f"{slug}[bot]", kind="Bot"),
        public_key=public_key,
        name=name,
        client_id=f"Iv23li{secrets.token_hex(7)}",
        permissions={"metadata": "read", **(manifest.get("default_permissions") or {})},
        events=tuple(manifest.get("default_events") or ()),
        hook_url=str(hook.get("url") or ""),
        webhook_secret=secrets.token_hex(20) if hook else "",
        hook_active=bool(hook.get("active", True)),
    )
    github.installations.clear()
    github.announcer.ping()
    own = {
        "client_secret": secrets.token_hex(20),
        "webhook_secret": github.app.webhook_secret or None,
        "pem": private_key,
    }
    return answer(payloads_apps.app(call.links, github.app) | own, 201)


def _key_pair() -> tuple[str, str]:
    """Private and public key as PEM, the private one in the form that GitHub hands out."""
    # Imported here: only who registers an App needs them.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _manifest(form: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        found = json.loads(form.get("manifest", ""))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _refused(wrong: list[str]) -> Answer:
    items = "".join(f"<li>Error {escape(text)}</li>" for text in wrong)
    return _page("Invalid GitHub App configuration", f"<ul>{items}</ul>", 422)


def _form(call: Call) -> dict[str, str]:
    found = parse_qs(call.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in found.items()}


def _page(title: str, body: str, status: int = 200) -> Answer:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )
    headers = {"content-security-policy": _POLICY, "referrer-policy": "no-referrer"}
    return Answer(status, text.encode("utf-8", "replace"), "text/html; charset=utf-8", headers)
