"""The device that networks are computed on, and the number of threads that torch computes with."""

import contextlib
from collections.abc import Iterator

import torch

from sqcli.errors import SqcliError


def require_device(name: str | None) -> str:
    """Return the device `name`, by default CUDA where there is one; SqcliError when it is not there."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise SqcliError("no CUDA device is there (or torch cannot use it); take --device cpu")
    return name or ("cuda" if there else "cpu")


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch compute with `count` threads, and afterwards with as many as before.

    Torch keeps the number for each Python thread, and new ones begin with what was set last: workers enter this
    themselves, within that of the thread that starts them.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
