"""Shared by all tests: no socket may leave this machine, and the same code gives the same examples.

``pytest --hypothesis-profile explore`` looks for new examples of the property tests.
"""

from __future__ import annotations

import ipaddress
import signal
import socket
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("everyday", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile("everyday")

# A shell starts what runs in its background deaf to Ctrl-C, and programs inherit that: those of the tests shall hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_connect = socket.socket.connect


def _guarded(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = str(address[0])
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
        if not local:
            raise AssertionError(f"a test tried to reach {host}: tests may only talk to this machine")
    _connect(self, address)


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch, _home: str) -> None:
    """A socket to the outside is an error; the environment and the home of the developer do not leak in."""
    monkeypatch.setenv("HOME", _home)
    monkeypatch.setattr(socket.socket, "connect", _guarded)
    for name in ("GITHUB_TOKEN", "OPENAI_API_KEY", "AIMLAPI_API_KEY", "AZURE_OPENAI_API_KEY", "REVIEWBOT_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
