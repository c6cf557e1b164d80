"""One variable that names a company's authorities counts for every program that talks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reviewbot.git import Git
from reviewbot.settings import share_authorities

READ = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO")


@pytest.mark.parametrize("name", [*READ, "CURL_CA_BUNDLE"])
def test_one_name_counts_for_all(name: str) -> None:
    environ = {name: "/c/own.pem", "OTHER": "x"}
    share_authorities(environ)
    assert [environ[each] for each in READ] == ["/c/own.pem"] * 3
    assert environ["OTHER"] == "x"


def test_what_is_set_stays() -> None:
    environ = {"SSL_CERT_FILE": "/c/models.pem", "GIT_SSL_CAINFO": "/c/git.pem", "CURL_CA_BUNDLE": ""}
    share_authorities(environ)
    assert environ["GIT_SSL_CAINFO"] == "/c/git.pem"
    assert environ["REQUESTS_CA_BUNDLE"] == "/c/models.pem"
    assert environ["CURL_CA_BUNDLE"] == ""


def test_nothing_comes_of_nothing() -> None:
    environ = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}
    share_authorities(environ)
    assert environ == {"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}


def test_git_is_told(tmp_path: Path) -> None:
    environ = {"PATH": "/bin", "REQUESTS_CA_BUNDLE": "/c/own.pem"}
    share_authorities(environ)
    assert Git(tmp_path, environ).environment()["GIT_SSL_CAINFO"] == "/c/own.pem"


def test_a_folder_counts_where_no_file_is_named() -> None:
    environ = {"SSL_CERT_DIR": "/c/folder", "GIT_SSL_CAPATH": "/c/git"}
    share_authorities(environ)
    assert environ == {"SSL_CERT_DIR": "/c/folder", "REQUESTS_CA_BUNDLE": "/c/folder", "GIT_SSL_CAPATH": "/c/git"}
    both = {"SSL_CERT_DIR": "/c/folder", "SSL_CERT_FILE": "/c/file.pem"}
    share_authorities(both)
    assert both["REQUESTS_CA_BUNDLE"] == both["GIT_SSL_CAINFO"] == "/c/file.pem"
    assert "GIT_SSL_CAPATH" not in both
    several = {"SSL_CERT_DIR": os.pathsep.join(("/c/one", "/c/two"))}
    share_authorities(several)
    assert list(several) == ["SSL_CERT_DIR"]
