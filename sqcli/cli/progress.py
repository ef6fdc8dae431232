"""Progress of a run on stderr: a live line on a terminal, a line a minute elsewhere, and a closing line."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from sqcli.cli.settings import Settings
from sqcli.runs.execution.progress import Progress
from sqcli.text import printable

Report = Callable[[Progress], None]
Show = Callable[[str, int, int, str], None]
MINUTE = 60.0


@contextlib.contextmanager
def reporter(settings: Settings) -> Iterator[Report]:
    """Yield a function that shows a `Progress`; print the closing line at the end, also after a stop."""
    last: list[Progress] = []
    try:
        with live(settings) as show:

            def report(progress: Progress) -> None:
                last[:] = [progress]
                show(f"{progress.name}: {progress.phase}", progress.done, progress.total, note(progress))

            yield report
        if not last:
            settings.say("nothing to do: every draw is there")
    finally:
        if last:
            settings.say(closing(last[0]))


@contextlib.contextmanager
def counter(settings: Settings, what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows how much of `what` is done: f(done, total)."""
    with live(settings) as show:
        yield lambda done, total: show(what, done, total, f"{done}/{total}")


@contextlib.contextmanager
def live(settings: Settings) -> Iterator[Show]:
    """Yield a function that shows progress, f(what, done, total, remark): live on a terminal, else a line a minute."""
    if settings.quiet or sys.stderr is None:
        yield lambda *_: None
    elif sys.stderr.isatty():
        with _live() as show:
            yield show
    else:
        yield _Minutes(settings)


class _Minutes:
    """Progress as a line a minute, for those who read it in a file."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.told = settings, time.monotonic()

    def __call__(self, what: str, done: int, total: int, remark: str) -> None:
        if time.monotonic() - self.told >= MINUTE:
            self.told = time.monotonic()
            self.settings.say(f"{what} {100 * done // max(total, 1)} % · {remark}")


@contextlib.contextmanager
def _live() -> Iterator[Show]:
    """Yield a function that draws progress on one line of the terminal, over and over; erase the line at the end."""
    from rich.console import Console  # imported here: only a terminal pays for it
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    texts = [TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}")]
    columns = (texts[0], BarColumn(), TaskProgressColumn(), texts[1])
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, note="")

        def show(what: str, done: int, total: int, remark: str) -> None:
            bar.update(task, description=printable(what), total=total, completed=done, note=remark)

        yield show


def note(progress: Progress) -> str:
    """Write how far a run is: `draws 36/150 · 830 updates/s · acceptance 0.87 · 0:01:10 left`."""
    parts = [f"draws {progress.held}/{progress.target * progress.chains}", *_pace(progress)]
    if progress.acceptance is not None:
        parts.append(f"acceptance {progress.acceptance:.2f}")
    if progress.seconds_left is not None:
        parts.append(f"{clock(progress.seconds_left)} left")
    return " · ".join(parts)


def closing(progress: Progress) -> str:
    """Write the line that stays when a run ends: committed draws, pace and acceptance."""
    accepted = [] if progress.acceptance is None else [f"acceptance {progress.acceptance:.2f}"]
    how = ", ".join([*_pace(progress), *accepted])
    chains = f"{progress.chains} chain{'s' if progress.chains > 1 else ''}"
    wanted = progress.target * progress.chains
    if progress.draws < progress.target:
        held = f"{progress.held} of {wanted} draws ({100 * progress.held // wanted} %) in {chains}"
    else:
        held = f"{progress.draws} draws in {'each of ' if progress.chains > 1 else ''}{chains}"
    return f"{progress.name}: {held}" + (f"; {how}" if how else "")


def _pace(progress: Progress) -> list[str]:
    return [f"{progress.rate:.3g} updates/s"] if progress.rate > 0 else []


def clock(seconds: float) -> str:
    """Write seconds as `1:02:03`."""
    minutes, rest = divmod(int(min(seconds, 3.6e8)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
