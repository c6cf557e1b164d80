"""The HTTP client for hosts outside: proxies and certificates of the environment, and no redirect followed unseen."""

from __future__ import annotations

import httpx

from reviewbot.errors import ConfigError


def open_client(*, secure: bool) -> httpx.AsyncClient:
    """A client that never follows redirects. Certificates are loaded (20 ms), and proxies and certificates of the
    environment heeded, only for https: plain http is for this machine only. Raises ConfigError."""
    try:
        return httpx.AsyncClient(verify=secure, trust_env=secure, follow_redirects=False)
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:  # no SOCKS, no such file, no such scheme
        raise ConfigError(
            f"The proxy or the certificates of the environment cannot be used ({type(error).__name__}).",
            remedy="Look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR; a proxy is http:// or https://.",
        ) from None  # its text may hold the proxy's password
