"""Garbage collection at the start of the program: the first one waits until a command is loaded.

What a command loads is never garbage, and looking through it again and again takes a sixth of the time of a start.
"""

import gc
from typing import Any

LOADED = 250_000  # objects before the first collection; numba and all that `generate` needs make 190 000


def postpone() -> None:
    """Let the first collection wait for `LOADED` objects; all later ones come as usual."""
    usual = gc.get_threshold()

    def restore(*_: Any) -> None:
        gc.set_threshold(*usual)
        gc.callbacks.remove(restore)

    gc.callbacks.append(restore)
    gc.set_threshold(LOADED)
