"""A program that confines itself and becomes another: ``python -I -S launch.py SCRATCH PROGRAM ARGUMENT...``.

Whatever PROGRAM reads was written by strangers. Should they take it over, they find no network, no key in the
environment, nothing to read but the system's libraries and SCRATCH/files and SCRATCH/own, nothing to write to but
SCRATCH/tmp, and little time and memory. Each confinement is tried by itself, since kernels and containers differ;
``launch.py --holds SCRATCH`` says which of them hold here. It imports the standard library alone, as -S asks.

Numbers of calls and flags are those of the kernel's headers: prctl.h, landlock.h, seccomp.h, unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable, Iterator

CANNOT_START = 125  # what env(1) and the like exit with when the program could not be tried
LIMITS = {
    "RLIMIT_CPU": 20,  # seconds
    "RLIMIT_DATA": 2 << 30,
    "RLIMIT_AS": 16 << 30,  # Go and WebAssembly reserve gigabytes of addresses that they never touch
    "RLIMIT_FSIZE": 16 << 20,
    "RLIMIT_NOFILE": 512,
    "RLIMIT_CORE": 0,
}
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/nix/store")  # loaders are there
_READABLE = ("/usr", "/etc/ld.so.cache", "/dev/urandom")

_SET_DUMPABLE, _SET_PDEATHSIG, _SET_SECCOMP, _SET_NO_NEW_PRIVS = 4, 1, 22, 38
_NEW_IPC, _NEW_USER, _NEW_NET = 0x08000000, 0x10000000, 0x40000000
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_EXECUTE, _WRITE, _READ, _READ_DIR = 1, 2, 4, 8
_FS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many of the rights to files an ABI knows
_CONNECT_AND_BIND = 3  # from ABI 4 on
_SCOPED = 3  # from ABI 6 on: no abstract sockets, no signals to processes outside
#: Machine -> its number in seccomp, and of the calls that are refused: socket, ptrace, setpgid, setsid, unshare, setns,
#: process_vm_readv, process_vm_writev, io_uring_setup (which opens sockets too), pidfd_getfd.
_REFUSED = {
    "x86_64": (0xC000003E, (41, 101, 109, 112, 272, 308, 310, 311, 425, 438)),
    "aarch64": (0xC00000B7, (198, 117, 154, 157, 97, 268, 270, 271, 425, 438)),
}


def confine(scratch: str, program: str) -> dict[str, str]:
    """Confine this process for good. For each confinement its name, and why it does not hold; "" where it does."""
    # The filter refuses what the others need, so it comes last.
    steps: dict[str, Callable[[], None]] = {
        "no new privileges": lambda: _prctl(_SET_NO_NEW_PRIVS, 1),
        "ends with its parent": lambda: _prctl(_SET_PDEATHSIG, signal.SIGKILL),
        "limits": _limit,
        "namespaces": _leave_namespaces,
        "landlock": lambda: _restrict_files(scratch, program),
        "system call filter": _filter_calls,
    }
    found: dict[str, str] = {}
    for name, step in steps.items():
        try:
            step()
        except (OSError, ValueError, KeyError, AttributeError, ImportError) as error:
            found[name] = str(error) or type(error).__name__
        else:
            found[name] = ""
    return found


def hide_from_children() -> None:
    """Let no process of the same user read this one's memory or environment. Raises OSError."""
    _prctl(_SET_DUMPABLE, 0)


def _libc() -> ctypes.CDLL:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "only Linux has it")
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prctl(option: int, value: int) -> None:
    _checked(_libc().prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))


def _limit() -> None:
    import resource  # only POSIX has it

    refused = []
    for name, most in LIMITS.items():
        try:
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(number, (least, least))
        except (OSError, ValueError, AttributeError):
            refused.append(name)
    if refused:
        raise OSError(errno.ENOTSUP, f"not here: {', '.join(refused)}")


def _leave_namespaces() -> None:
    """A network without an interface. A user namespace, for which no right is needed, comes with it, and takes away
    whatever rights there were."""
    _checked(_libc().unshare(_NEW_USER | _NEW_NET | _NEW_IPC))


def _restrict_files(scratch: str, program: str) -> None:
    libc = _libc()
    abi = _checked(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))
    everything = (1 << _FS_OF_ABI.get(abi, 16)) - 1
    attribute = struct.pack("=QQQ", everything, _CONNECT_AND_BIND if abi >= 4 else 0, _SCOPED if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    rules = _checked(libc.syscall(_CREATE_RULESET, attribute, ctypes.c_size_t(size), 0))
    try:
        for path, rights in _rights(scratch, program, everything):
            _allow(libc, rules, path, rights)
        _checked(libc.syscall(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _rights(scratch: str, program: str, everything: int) -> Iterator[tuple[str, int]]:
    yield from ((path, _READ | _READ_DIR) for path in _READABLE)
    yield from ((path, _READ | _READ_DIR | _EXECUTE) for path in _LIBRARIES)
    yield program, _READ | _EXECUTE
    yield "/dev/null", _READ | _WRITE
    for folder in ("files", "own"):
        yield os.path.join(scratch, folder), _READ | _READ_DIR
    yield os.path.join(scratch, "tmp"), everything & ~_EXECUTE


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # no such folder on this system
    try:
        if not os.path.isdir(path):
            rights &= _READ | _WRITE | _EXECUTE  # others are for folders, and refused for a file
        _checked(libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", rights, opened), 0))
    finally:
        os.close(opened)


def _filter_calls() -> None:
    """No socket of any kind, and no way out of the group that is killed at the end. Refused calls fail with EPERM."""
    number, refused = _REFUSED[platform.machine()]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
    rows = [
        (load, 0, 0, 4),  # the architecture, since the numbers mean something else on another
        (equal, 1, 0, number),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),  # the call
        (at_least, len(refused) + 1, 0, 0x40000000),  # x86-64 calls under their 32-bit numbers
        *((equal, len(refused) - at, 0, call) for at, call in enumerate(refused)),
        (answer, 0, 0, allow),
        (answer, 0, 0, refuse),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
    program = struct.pack("@HP", len(rows), ctypes.addressof(code))
    _checked(_libc().prctl(_SET_SECCOMP, ctypes.c_ulong(2), program, ctypes.c_ulong(0), ctypes.c_ulong(0)))


def main(words: list[str]) -> int:
    """Become the program; comes back only when that failed, or to say what holds."""
    if words[0] == "--holds":
        found = confine(words[1], sys.executable)
        sys.stdout.write(json.dumps(found))
        return 0
    scratch, program, *arguments = words
    os.umask(0o077)
    os.chdir(os.path.join(scratch, "files"))
    room = os.path.join(scratch, "tmp")
    environment = {"HOME": room, "TMPDIR": room, "LC_ALL": "C.UTF-8", "RAYON_NUM_THREADS": "2", "GOMAXPROCS": "2"}
    confine(scratch, program)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and that is inherited
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execve(program, [program, *arguments], environment)
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
    return CANNOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
