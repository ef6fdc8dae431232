"""Signals that mean "commit and stop", from the first moment of the program to its last.

A run that stops in good order says so with `polling`: within, a signal sets its event. Anywhere else the main thread
gets a KeyboardInterrupt, so that whatever cleans up behind Ctrl-C does so; but while a module is imported the process
ends at once, since compiled modules that call Python as they start may abort at an exception. So does a second signal,
and so does a thread of its own where the main thread is deaf, deep in compiled code, for `PATIENCE` seconds: what is
committed is safe at any instant. The exit code is 75 in every case.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from sqcli.errors import Stopped

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGXCPU)
PATIENCE = 4.0  # seconds that the main thread has to come back in
DOUBLED = 1.0  # seconds within which a batch system may send the same signal by two ways; a keyboard does not
LOOK = 0.1
START = 20.0  # seconds that a command may take to begin, whatever its time limit


class _State:
    """State of this process: the signal that came, and who listens."""

    first: int | None = None  # number of the signal that came first
    at: float = 0.0
    guarded: bool = False  # whether a KeyboardInterrupt is caught and told as one line
    polled: list[threading.Event]
    left: float = 0.0  # when the last run that polls was over

    def __init__(self) -> None:
        self.polled = []


_state = _State()


def install() -> None:
    """Handle the signals from here on; a SIGHUP that is ignored, as under nohup, stays so."""
    for number in (*STOPPING, signal.SIGALRM):
        if not (number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN):
            signal.signal(number, _handle)
    with contextlib.suppress(OSError, RuntimeError):  # no descriptor or no thread to be had: no patience is measured
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)


def alarm(seconds: float | None) -> None:
    """Let the time limit count from now on, in whatever phase it is reached; None for no limit.

    A run counts it by itself from where it can commit; where that comes late, this one is first.
    """
    if seconds is not None and signal.getsignal(signal.SIGALRM) is _handle:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, START))


def guard(on: bool) -> None:
    """Say whether a KeyboardInterrupt of the main thread would be caught; where it would not, a signal ends at once."""
    _state.guarded = on


@contextlib.contextmanager
def polling(stop: threading.Event) -> Iterator[None]:
    """Let a signal set `stop` within the block; one that came before has set it already.

    The main thread must poll the event (`is_set`), not wait on it: a handler runs in that thread and must not meet
    the event's lock held.
    """
    _state.polled.append(stop)
    try:
        if _state.first is not None:
            stop.set()
        yield
    finally:
        _state.left = time.monotonic()
        _state.polled.remove(stop)


def reason() -> str:
    """Tell in words which signal came first."""
    if _state.first in (None, signal.SIGINT):
        return "interrupted; run the same command again"
    name = "the time limit" if _state.first == signal.SIGALRM else signal.Signals(_state.first).name
    return f"stopped by {name}; run the same command again"


def arrived() -> bool:
    """Tell whether a signal has come."""
    return _state.first is not None


def _handle(number: int, frame: FrameType | None) -> None:
    again, now = _state.first is not None, time.monotonic()
    if not again:
        _state.first, _state.at = number, now
    elif number == signal.SIGINT or (number != signal.SIGXCPU and now - _state.at > DOUBLED):
        leave()  # SIGXCPU comes every second once the limit is reached
    for stop in _state.polled:
        stop.set()
    if not _state.polled and not again:
        if _state.guarded and not _importing(frame):
            raise KeyboardInterrupt
        leave()


def _importing(frame: FrameType | None) -> bool:
    """Tell whether a module is being imported where the signal met the main thread."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _watch(reader: int) -> None:
    """End the process where a signal has come and the main thread neither polls nor ends."""
    number = os.read(reader, 1)[0]
    began = time.monotonic()
    while _state.polled or time.monotonic() - max(began, _state.left) < PATIENCE:
        time.sleep(LOOK)
    _state.first = _state.first or number
    leave()


def leave() -> NoReturn:
    """End the process now, with a line."""
    with contextlib.suppress(OSError):
        os.write(2, f"sqcli: {reason()}\n".encode())
    os._exit(Stopped.exit_code)
