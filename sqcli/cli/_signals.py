"""Signals that mean "commit and stop": SIGTERM and SIGUSR1 of batch systems, SIGINT of a keyboard."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from sqcli.errors import Stopped

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that the first such signal sets; a second SIGINT ends the process at once with exit code 75.

    Handlers are set in the main thread only and put back afterwards. The main thread must poll the event
    (`is_set`), not wait on it: a handler runs in that thread and must not meet the event's lock held.
    """
    stop, interrupts = threading.Event(), 0

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        nonlocal interrupts
        interrupts += number == signal.SIGINT
        if interrupts > 1:
            os._exit(Stopped.exit_code)  # what is committed is safe at any instant
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in STOPPING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
