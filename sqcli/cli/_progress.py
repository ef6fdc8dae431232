"""How a run is watched: a live line on a terminal, one closing line elsewhere; always on stderr."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from sqcli.cli._settings import Settings
from sqcli.runs.progress import Progress

Report = Callable[[Progress], None]


@contextlib.contextmanager
def reporter(settings: Settings) -> Iterator[Report]:
    """A function to give each `Progress` to; the closing line is printed at the end, also after a stop."""
    last: list[Progress] = []
    try:
        with _line(settings) as show:

            def report(progress: Progress) -> None:
                last[:] = [progress]
                show(progress)

            yield report
        if not last:
            settings.say("nothing to do: every draw is there")
    finally:
        if last:
            settings.say(closing(last[0]))


def _line(settings: Settings) -> contextlib.AbstractContextManager[Report]:
    return _run() if _watched(settings) else contextlib.nullcontext(lambda _: None)


@contextlib.contextmanager
def _run() -> Iterator[Report]:
    with _live() as show:
        yield lambda p: show(p.phase, p.done, p.total, note(p))


@contextlib.contextmanager
def counter(settings: Settings, what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function of done and total that draws a live line, or None when nobody watches."""
    if not _watched(settings):
        yield None
        return
    with _live() as show:
        yield lambda done, total: show(what, done, total, f"{done}/{total}")


@contextlib.contextmanager
def live(settings: Settings) -> Iterator[Callable[[str, int, int, str], None]]:
    """A function of what, done, total and a remark that draws a live line; it does nothing when nobody watches."""
    if not _watched(settings):
        yield lambda *_: None
        return
    with _live() as show:
        yield show


def _watched(settings: Settings) -> bool:
    return not settings.quiet and sys.stderr is not None and sys.stderr.isatty()


@contextlib.contextmanager
def _live() -> Iterator[Callable[[str, int, int, str], None]]:
    """A line that is drawn over and over; gone at the end."""
    from rich.console import Console  # imported here: only a terminal pays for it
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, note="")

        def show(what: str, done: int, total: int, remark: str) -> None:
            bar.update(task, description=what, total=total, completed=done, note=remark)

        yield show


def note(progress: Progress) -> str:
    """`draws 12/50 · 830 updates/s · acceptance 0.87 · 0:01:10 left`."""
    parts = [f"draws {progress.draws}/{progress.target}", f"{progress.rate:.3g} updates/s"]
    if progress.acceptance is not None:
        parts.append(f"acceptance {progress.acceptance:.2f}")
    if progress.seconds_left is not None:
        parts.append(f"{clock(progress.seconds_left)} left")
    return " · ".join(parts)


def closing(progress: Progress) -> str:
    """The one line that stays: what is committed now."""
    accepted = "" if progress.acceptance is None else f", acceptance {progress.acceptance:.2f}"
    draws = f"{progress.draws} of {progress.target}" if progress.draws < progress.target else f"{progress.draws}"
    return f"{progress.chains} chains hold {draws} draws each ({progress.rate:.3g} updates/s{accepted})"


def clock(seconds: float) -> str:
    """`1:02:03`."""
    minutes, rest = divmod(int(min(seconds, 3.6e8)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
