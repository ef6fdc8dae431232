"""Check, before a run starts, that there is memory for it: a process that the kernel kills says nothing.

The least of these is available: the machine's own estimate, what the limits of the job's control groups leave, and
what the limit of the process leaves.
"""

import contextlib
import resource
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqcli.errors import SqcliError
from sqcli.text import size_in_words

MACHINE = Path("/proc/meminfo")
STATUS = Path("/proc/self/status")
MEMBERSHIP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Version:
    """Names that a version of control groups gives to its controller and to the files of limit and use."""

    controller: str
    limit: str
    used: str


VERSIONS = (
    Version("", "memory.max", "memory.current"),
    Version("memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def require(path: Path, needed: int, advice: str) -> None:
    """Compare `needed` bytes, an estimate from below, with what is available.

    Raises:
        SqcliError: less is available; says how much, and what to do about it.
    """
    there = min(available(), default=None)
    if there is not None and needed > there:
        raise SqcliError(
            f"{path}: needs about {size_in_words(needed)} of memory, {size_in_words(there)} are available; {advice}"
        )


def available() -> Iterator[int]:
    """Yield the bytes that this process may still take, by each of the limits that there are."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        yield _kilobytes(MACHINE, "MemAvailable:")
    with contextlib.suppress(OSError, ValueError):
        yield from _of_control_groups()
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            yield max(0, limit - _kilobytes(STATUS, "VmSize:"))


def _kilobytes(file: Path, name: str) -> int:
    line = next(line for line in file.read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


def _of_control_groups() -> Iterator[int]:
    """Yield the bytes left in the control groups that this process is in, and in those around them."""
    for line in MEMBERSHIP.read_text().splitlines():
        _, controllers, ours = line.split(":", 2)
        for version in VERSIONS:
            if version.controller in controllers.split(","):
                top = GROUPS / version.controller
                folder = top / ours.strip("/")
                yield from _within([group for group in (folder, *folder.parents) if group.is_relative_to(top)], version)


def _within(groups: Iterable[Path], version: Version) -> Iterator[int]:
    """Yield the bytes that the limits of control groups leave, where they have one."""
    for group in groups:
        with contextlib.suppress(OSError, ValueError):
            limit = int((group / version.limit).read_text())  # "max" where there is none
            used = int((group / version.used).read_text()) - _reclaimable(group)
            yield max(0, limit - used)


def _reclaimable(group: Path) -> int:
    """Count the bytes of files kept in memory, which make room where it is needed."""
    pairs = [line.split() for line in (group / "memory.stat").read_text().splitlines()]
    return max((int(value) for name, value in pairs if name in ("inactive_file", "total_inactive_file")), default=0)
