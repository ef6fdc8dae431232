"""Carry out a recipe: generate what is missing, then the table, then the figures."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli import store
from sqcli.errors import SqcliError, Stopped
from sqcli.recipes import _table
from sqcli.recipes._load import load
from sqcli.recipes._model import PhaseDiagram, Plot, Recipe
from sqcli.recipes._steps import Run, plan, runs
from sqcli.runs._canvas import Source
from sqcli.runs._phase_diagram import Diagram, draw
from sqcli.runs.generate import generate
from sqcli.runs.plot import plot_several
from sqcli.runs.progress import Progress

RESULTS = Path("results")
Report = Callable[[Progress], None]
Reporter = Callable[[], AbstractContextManager[Report]]


@dataclass(frozen=True)
class Outcome:
    """What a recipe gave: the rows of its table as mappings, and the files written."""

    recipe: Recipe
    rows: list[dict[str, Any]]
    files: list[Path]


def _silent() -> AbstractContextManager[Report]:
    return nullcontext(lambda _: None)


def commands(recipe: str | Path, *, out: Path | None = None, settings: Mapping[str, str] | None = None) -> list[str]:
    """The `sqcli generate` commands that a recipe stands for; nothing is run.

    Raises:
        UsageError: as `run`.
    """
    loaded = load(recipe, settings)
    return plan(loaded, out or RESULTS / loaded.name)


def run(
    recipe: str | Path,
    *,
    out: Path | None = None,
    settings: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
    say: Callable[[str], None] = lambda _: None,
    reporter: Reporter = _silent,
) -> Outcome:
    """Run a recipe, or go on with it: ensembles that are finished cost nothing.

    Args:
        recipe: file, or name of a file in the folder `recipes` here.
        out: where results go; `results/NAME` here if not given.
        settings: entries of the recipe to replace, dotted key -> value as YAML.
        stop: set it to commit and end early.
        say: called with messages.
        reporter: makes the context that watches one run of `generate`.

    Raises:
        UsageError: the recipe is malformed; nothing has been run then.
        Stopped: ended early; run again to go on.
        SqcliError: a run failed, or `out` holds results of another recipe.
    """
    loaded = load(recipe, settings)
    folder, stop = out or RESULTS / loaded.name, stop or threading.Event()
    steps = runs(loaded, folder)
    _make(folder)
    for number, step in enumerate(steps, 1):
        _generate(step, stop, reporter, lambda text, n=number: say(f"[{n}/{len(steps)}] {text}"))  # type: ignore[misc]
    paths = {step.name: step.request.path for step in steps}
    rows = _table.compare(loaded.table, paths, _watch(stop))
    files = _table.write(loaded, rows, folder) if rows else []
    for plot in loaded.plots:
        _watch(stop)()
        files.append(_draw(plot, loaded, paths, folder))
    for file in files:
        say(f"wrote {file}")
    return Outcome(loaded, rows, files)


def _make(folder: Path) -> None:
    try:
        (folder / "ensembles").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SqcliError(f"{folder}: cannot be made: {error.strerror or error}") from None


def _generate(step: Run, stop: threading.Event, reporter: Reporter, say: Callable[[str], None]) -> None:
    _watch(stop)()
    request = step.request
    request.path.parent.mkdir(exist_ok=True)
    if store.is_ensemble(request.path) and store.open_ensemble(request.path).finished:
        generate(request, stop, lambda _: None)  # compares what is there with what is wanted
        return
    say(f"generating {step.name}")
    with reporter() as report:
        generate(request, stop, report)


def _watch(stop: threading.Event) -> Callable[..., None]:
    """To be called now and then: raises when the run is to end."""

    def look(*_: Any) -> None:
        if stop.is_set():
            raise Stopped("the recipe is stopped; everything is kept, run it again to go on")

    return look


def _draw(plot: Plot, recipe: Recipe, paths: Mapping[str, Path], folder: Path) -> Path:
    target = folder / f"{plot.plot}.png"
    if isinstance(plot, PhaseDiagram):
        step = next(step for step in recipe.steps if step.generate == plot.of)
        points = {(float(at[plot.x]), float(at[plot.y])): paths[name] for name, at in step.points()}
        marks = [(mark.x, mark.y, mark.label) for mark in plot.marks]
        draw(Diagram(plot.x, plot.y, points, marks), plot.observables, target)
    else:
        plot_several([Source(name, paths[name]) for name in plot.of], plot.kind, plot.observable, target)
    return target
