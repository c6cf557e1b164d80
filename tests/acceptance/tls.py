"""A private certificate authority, and a forward proxy, as companies have them; both on this machine."""

from __future__ import annotations

import base64
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """The authority's certificate, and a server's certificate and key that it signed, as files."""

    bundle: Path
    server: tuple[Path, Path]


def make_authority(folder: Path, *names: str) -> Authority:
    """A new authority, and a server's certificate for these names and 127.0.0.1."""
    folder.mkdir(parents=True, exist_ok=True)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A company's own authority")])
    root = (
        _builder(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    served = [*(x509.DNSName(name) for name in names), x509.IPAddress(ip_address("127.0.0.1"))]
    leaf = (
        _builder(x509.Name([]), root_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName(served), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    bundle, certificate, secret = folder / "authority.pem", folder / "server.pem", folder / "server.key"
    bundle.write_bytes(root.public_bytes(Encoding.PEM))
    certificate.write_bytes(leaf.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Authority(bundle, (certificate, secret))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))


def _usage(*, signs: bool) -> x509.KeyUsage:
    others = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only",
         "decipher_only"), False
    )  # fmt: skip
    return x509.KeyUsage(digital_signature=not signs, key_cert_sign=signs, **others)


@dataclass
class Proxy:
    """What was asked for, by ``host:port``; each request in full is in ``heads``."""

    url: str
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)


@contextmanager
def forward_proxy(routes: Mapping[str, int], login: str = "") -> Iterator[Proxy]:
    """A proxy that tunnels (CONNECT) to ports of this machine: ``routes`` says which host is behind which. With
    ``login`` (``user:password``) it asks for that; whatever else is asked of it is refused."""

    class Tunnel(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = self.rfile.readline(65_536)
                if not line:
                    return
                head += line
            proxy.heads.append(head)
            verb, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            proxy.asked.append(target)
            wanted = b"basic " + base64.b64encode(login.encode()).lower()
            if login and wanted not in head.lower():
                self.wfile.write(b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"p\"\r\n"
                                 b"Connection: close\r\nContent-Length: 0\r\n\r\n")  # fmt: skip
                return
            port = routes.get(target.rpartition(":")[0])
            if verb != "CONNECT" or port is None:
                self.wfile.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", port)) as far:
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=_pump, args=(far, self.connection), daemon=True)
                back.start()
                _pump(self.connection, far)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Tunnel) as server:
        given = f"{login}@" if login else ""
        proxy = Proxy(f"http://{given}127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield proxy
        finally:
            server.shutdown()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on bytes until one side ends."""
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
