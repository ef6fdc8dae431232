"""Where networks are computed, and with how many threads."""

import contextlib
from collections.abc import Iterator

import torch

from sqcli.errors import SqcliError


def require_device(name: str | None) -> str:
    """Where to compute: as said, else CUDA where there is one."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise SqcliError("no CUDA device is there (or torch cannot use it); take --device cpu")
    return name or ("cuda" if there else "cpu")


@contextlib.contextmanager
def threads_kept() -> Iterator[None]:
    """Workers compute with one thread each; afterwards torch has as many as before."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
