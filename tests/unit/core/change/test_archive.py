"""Archives as upload-artifact writes them, and archives that try something. Nothing of them is ever on a disk."""

from __future__ import annotations

import io
import random
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.archive import read_archive
from reviewbot.errors import BundleError

LIMITS = {"a": 100, "b": 1_000}
FILES = {"a": b"first", "b": b"second" * 20}


@dataclass(frozen=True)
class Part:
    """One entry, as its two headers tell it; None where the directory says the same as the entry's own header."""

    name: bytes
    text: bytes
    method: int = 8
    flags: int = 0
    attributes: int = (stat.S_IFREG | 0o644) << 16
    packed: bytes | None = None
    size: int | None = None
    checksum: int | None = None
    other_name: bytes | None = None
    other_size: int | None = None
    offset: int | None = None
    extra: bytes = b""
    comment: bytes = b""
    disk: int = 0
    descriptor: bytes | None = None


def deflated(text: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(text) + packer.flush()


def build(parts: Sequence[Part], *, before: bytes = b"", between: bytes = b"", behind: bytes = b"", count: int | None = None,
          note: bytes = b"") -> bytes:  # fmt: skip
    out, rows = before, b""
    for part in parts:
        data = part.packed if part.packed is not None else deflated(part.text) if part.method == 8 else part.text
        size = len(part.text) if part.size is None else part.size
        checksum = zlib.crc32(part.text) if part.checksum is None else part.checksum
        facts = (checksum, len(data), size)
        shown = (0, 0, 0) if part.flags & 8 else facts
        head = struct.pack("<4H", part.flags, part.method, 0, 0)
        at = len(out) if part.offset is None else part.offset
        out += b"PK\x03\x04\x14\0" + head + struct.pack("<3L2H", *shown, len(part.name), 0) + part.name + data
        if part.flags & 8:
            out += struct.pack("<4s3L", b"PK\x07\x08", *facts) if part.descriptor is None else part.descriptor
        name = part.name if part.other_name is None else part.other_name
        told = (checksum, len(data), size if part.other_size is None else part.other_size)
        lengths = (len(name), len(part.extra), len(part.comment), part.disk, 0)
        row = head + struct.pack("<3L5H2L", *told, *lengths, part.attributes, at)
        rows += b"PK\x01\x02\x14\x03\x14\0" + row + name + part.extra + part.comment
    out += between
    total = len(parts) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, total, total, len(rows), len(out), len(note))
    return out + rows + end + note + behind


A, B = Part(b"a", FILES["a"]), Part(b"b", FILES["b"])


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("flags", [0, 0x0808])
def test_what_is_well_formed_is_read(method: int, flags: int) -> None:
    parts = [replace(part, method=method, flags=flags) for part in (A, B)]
    assert read_archive(build(parts), LIMITS) == FILES
    assert read_archive(build(parts[::-1]), LIMITS) == FILES, "the order is free"


def test_what_python_writes_is_read() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    assert read_archive(data.getvalue(), LIMITS) == FILES


@given(st.binary(max_size=100), st.binary(max_size=1_000))
def test_every_text_comes_back(first: bytes, second: bytes) -> None:
    assert read_archive(build([Part(b"a", first), Part(b"b", second)]), LIMITS) == {"a": first, "b": second}


def names(*others: bytes) -> bytes:
    return build([A, *(Part(name, b"x") for name in others)])


BAD: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no archive": lambda: b"<html>" * 100,
    "a tarball": lambda: bytes(10_240),
    "one entry": lambda: build([A]),
    "another entry": lambda: build([A, B, Part(b"c", b"x")]),
    "a doubled entry": lambda: build([A, A]),
    "another name": lambda: names(b"c"),
    "a name in other letters": lambda: names(b"B"),
    "a path up": lambda: names(b"../b"),
    "an absolute path": lambda: names(b"/b"),
    "a path of Windows": lambda: names(b"C:\\b"),
    "a name with NUL": lambda: names(b"b\0.txt"),
    "a folder by its name": lambda: names(b"b/"),
    "a folder by its mode": lambda: build([A, replace(B, attributes=(stat.S_IFDIR | 0o755) << 16)]),
    "a folder by DOS": lambda: build([A, replace(B, attributes=0x10)]),
    "a symbolic link": lambda: build([A, replace(B, attributes=(stat.S_IFLNK | 0o777) << 16)]),
    "a device": lambda: build([A, replace(B, attributes=stat.S_IFCHR << 16)]),
    "a pipe": lambda: build([A, replace(B, attributes=stat.S_IFIFO << 16)]),
    "encryption": lambda: build([A, replace(B, flags=1)]),
    "strong encryption": lambda: build([A, replace(B, flags=0x41)]),
    "a hidden directory": lambda: build([A, replace(B, flags=0x2000)]),
    "bzip2": lambda: build([A, replace(B, method=12)]),
    "lzma": lambda: build([A, replace(B, method=14)]),
    "bytes before": lambda: build([A, B], before=b"#!/bin/sh\n"),
    "bytes between": lambda: build([A, B], between=b"x"),
    "bytes behind": lambda: build([A, B], behind=b"x"),
    "another archive behind": lambda: build([A, B]) * 2,
    "a note": lambda: build([A, B], note=b"PK\x05\x06"),
    "a note of an entry": lambda: build([A, replace(B, comment=b"x")]),
    "another disk": lambda: build([A, replace(B, disk=1)]),
    "too few counted": lambda: build([A, B, Part(b"c", b"x")], count=2),
    "too many counted": lambda: build([A, B], count=3),
    "two entries of the same bytes": lambda: build([A, replace(B, offset=0)]),
    "an entry within another": lambda: build([A, replace(B, offset=10)]),
    "an entry out of bounds": lambda: build([A, replace(B, offset=2**31)]),
    "a size of zip64": lambda: build([A, replace(B, size=0xFFFFFFFF)]),
    "an offset of zip64": lambda: build([A, replace(B, offset=0xFFFFFFFF)]),
    "two names": lambda: build([A, replace(B, name=b"c", other_name=b"b")]),
    "two sizes": lambda: build([A, replace(B, other_size=7)]),
    "a size that is too small": lambda: build([A, replace(B, size=7)]),
    "a size that is too big": lambda: build([A, replace(B, size=900)]),
    "a size over the limit": lambda: build([A, replace(B, size=1_001)]),
    "a wrong checksum": lambda: build([A, replace(B, checksum=7)]),
    "a wrong word behind it": lambda: build([A, replace(B, flags=8, descriptor=bytes(16))]),
    "no word behind it": lambda: build([A, replace(B, flags=8, descriptor=b"")]),
    "too much text": lambda: build([A, Part(b"b", b"x" * 1_001)]),
    "too much text, not packed": lambda: build([A, Part(b"b", b"x" * 1_001, method=0)]),
    "too much text, and a lie": lambda: build([A, Part(b"b", b"x" * 10_000, size=5)]),
    "a broken stream": lambda: build([A, replace(B, packed=b"\xff" * 20)]),
    "a stream that is cut": lambda: build([A, replace(B, packed=deflated(FILES["b"])[:-1])]),
    "a stream with more behind": lambda: build([A, replace(B, packed=deflated(FILES["b"]) + b"x")]),
}  # fmt: skip


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_anything_else_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(BundleError):
        read_archive(make(), LIMITS)


def zeros(mebibytes: int) -> bytes:
    """A deflated stream of that many zeros, without making them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * mebibytes + deflated(b"")


@pytest.mark.parametrize("size", [5, 1_000, 0xFFFFFFFE])
def test_ten_gigabytes_of_zeros_take_no_memory(size: int) -> None:
    data = build([A, Part(b"b", b"", packed=zeros(10_240), size=size)])
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match="over 1,000"):
            read_archive(data, LIMITS)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * len(data) + 1_000_000


def test_an_archive_within_an_archive_is_a_text() -> None:
    inner = build([A, B])
    assert read_archive(build([A, Part(b"b", inner, method=0)]), LIMITS)["b"] == inner


def test_whatever_happens_to_the_bytes_is_an_error_or_the_same_text() -> None:
    chance = random.Random(7)
    good = build([replace(A, flags=8), B])
    for _ in range(3_000):
        data = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        try:
            assert read_archive(bytes(data), LIMITS) == FILES
        except BundleError:
            continue
