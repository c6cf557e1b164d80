"""Pure: the bytes of a ZIP archive from a stranger -> the entries that are expected in it, or an error.

The archive is read forwards and backwards, and both must tell the same: entry after entry from the first byte, then the
central directory, then its end, with nothing before, between or behind. So no byte belongs to two entries or to none,
and no two readers can see different files. An entry gives at most its limit, whatever its header says; nothing is
written anywhere. Rules of the format: PKWARE's APPNOTE.TXT, sections 4.3 and 4.4.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from reviewbot.errors import BundleError

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_DESCRIPTOR = struct.Struct("<4s3L")
_STREAMED, _LEVEL, _UTF8 = 0x0008, 0x0006, 0x0800  # the flags that mean nothing but how it was written
_STORED, _DEFLATED = 0, 8
_ZIP64 = 0xFFFFFFFF
_REGULAR = 0o10
_DIRECTORY_OR_LABEL = 0x18  # of the DOS attributes


@dataclass(frozen=True, slots=True)
class _Entry:
    """One record of the central directory."""

    name: str
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    offset: int

    @property
    def streamed(self) -> bool:
        """Whether checksum and sizes stand behind the data."""
        return bool(self.flags & _STREAMED)


def read_archive(data: bytes, limits: Mapping[str, int]) -> dict[str, bytes]:
    """The text of every entry of ``limits``, which are the most bytes that each may give. Raises BundleError when the
    archive has another form, or holds anything else."""
    start, entries = _directory(data, limits)
    position = 0
    found: dict[str, bytes] = {}
    for entry in sorted(entries, key=lambda each: each.offset):
        if entry.offset != position:
            raise BundleError("Entries of the archive overlap, or there are bytes that belong to none.")
        packed, position = _packed(data, entry, start)
        found[entry.name] = _unpacked(packed, entry, limits[entry.name])
    if position != start:
        raise BundleError("The archive holds bytes that belong to no entry.")
    return found


def _directory(data: bytes, limits: Mapping[str, int]) -> tuple[int, list[_Entry]]:
    """Where the central directory begins, and what it names."""
    at = len(data) - _END.size
    if at < 0 or data[at : at + 4] != b"PK\x05\x06":
        raise BundleError("It is not a ZIP archive, or it has something behind its end.")
    _, disk, first_disk, here, total, size, start, comment = _END.unpack_from(data, at)
    if disk or first_disk or comment or start + size != at:
        raise BundleError("The end of the archive does not fit its directory.")
    if not here == total == len(limits):
        raise BundleError(f"The archive holds {total} entries instead of {len(limits)}.")
    entries: list[_Entry] = []
    position = start
    for _ in range(total):
        entry, position = _record(data, position, at)
        if entry.name not in limits or any(entry.name == other.name for other in entries):
            raise BundleError(f"The archive does not hold {' and '.join(limits)}, each once.")
        if entry.size > limits[entry.name]:
            raise BundleError(f"{entry.name} is over {limits[entry.name]:,} bytes.")
        entries.append(entry)
    if position != at:
        raise BundleError("The directory of the archive holds more than its entries.")
    return start, entries


def _record(data: bytes, position: int, end: int) -> tuple[_Entry, int]:
    """The record at ``position`` of the central directory, and where the next one is."""
    if position + _CENTRAL.size > end or data[position : position + 4] != b"PK\x01\x02":
        raise BundleError("The directory of the archive is broken.")
    fields = _CENTRAL.unpack_from(data, position)
    _, _, _, flags, method, _, _, checksum, packed, size, named, extra, comment, disk, _, attributes, offset = fields
    after = position + _CENTRAL.size + named + extra
    if comment or disk or after > end or _ZIP64 in (packed, size, offset):
        raise BundleError("The directory of the archive is broken, or in a form that is not read.")
    if flags & ~(_STREAMED | _LEVEL | _UTF8) or method not in (_STORED, _DEFLATED):
        raise BundleError("An entry is encrypted, or packed in a way that is not read.")
    if attributes >> 28 not in (0, _REGULAR) or attributes & _DIRECTORY_OR_LABEL:
        raise BundleError("An entry is not a regular file.")
    name = data[position + _CENTRAL.size : position + _CENTRAL.size + named].decode("latin-1")
    return _Entry(name, flags, method, checksum, packed, size, offset), after


def _packed(data: bytes, entry: _Entry, end: int) -> tuple[bytes, int]:
    """The packed bytes of an entry, and where the next one begins. Its own header must say what the directory says."""
    if entry.offset + _LOCAL.size > end or data[entry.offset : entry.offset + 4] != b"PK\x03\x04":
        raise BundleError("An entry of the archive is not where its directory says.")
    _, _, flags, method, _, _, checksum, packed, size, named, extra = _LOCAL.unpack_from(data, entry.offset)
    begin = entry.offset + _LOCAL.size + named + extra
    name = data[entry.offset + _LOCAL.size : entry.offset + _LOCAL.size + named].decode("latin-1")
    told, known = (checksum, packed, size), (entry.checksum, entry.packed, entry.size)
    agreed = told == known or (entry.streamed and told == (0, 0, 0))
    if (flags, method, name) != (entry.flags, entry.method, entry.name) or not agreed:
        raise BundleError("An entry of the archive and its directory contradict each other.")
    after = begin + entry.packed
    if entry.streamed:
        if after + _DESCRIPTOR.size > end or _DESCRIPTOR.unpack_from(data, after) != (b"PK\x07\x08", *known):
            raise BundleError("An entry of the archive and what stands behind it contradict each other.")
        return data[begin:after], after + _DESCRIPTOR.size
    if after > end:
        raise BundleError("An entry of the archive reaches into its directory.")
    return data[begin:after], after


def _unpacked(packed: bytes, entry: _Entry, limit: int) -> bytes:
    """At most ``limit`` bytes, and no more of them in memory than one above it."""
    whole = True
    text = packed
    if entry.method == _DEFLATED:
        reader = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            text = reader.decompress(packed, limit + 1)
        except zlib.error as error:
            raise BundleError(f"{entry.name} cannot be unpacked.") from error
        whole = reader.eof and not reader.unused_data
    if len(text) > limit:
        raise BundleError(f"{entry.name} is over {limit:,} bytes.")
    if not whole or len(text) != entry.size or zlib.crc32(text) != entry.checksum:
        raise BundleError(f"{entry.name} is not what the archive says of it.")
    return text
