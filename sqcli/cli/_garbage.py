"""Garbage collection around the start: the first one waits until a command is loaded, the others come as usual.

What is loaded stays; looking through it for garbage, again and again, takes a sixth of the time of a start.
"""

import gc
from typing import Any

LOADED = 250_000  # objects before the first collection; numba and all that `generate` needs make 190 000


def postpone() -> None:
    """Let the first collection wait for `LOADED` objects, and none after it."""
    usual = gc.get_threshold()

    def restore(*_: Any) -> None:
        gc.set_threshold(*usual)
        gc.callbacks.remove(restore)

    gc.callbacks.append(restore)
    gc.set_threshold(LOADED)
