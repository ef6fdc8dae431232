"""Carry out a recipe: make the ensembles and models that are missing, then the table, then the figures."""

import os
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli import store
from sqcli.errors import SqcliError, Stopped
from sqcli.figures import Axis, LabelledEnsemble, draw
from sqcli.files import explained, require_own_directories
from sqcli.recipes import _saved, _table
from sqcli.recipes._load import load
from sqcli.recipes._model import CPU, Recipe
from sqcli.recipes._planned import Run
from sqcli.recipes._plots import EnsemblesPlot, ModelPlot, PlotEntry, ScanPlot
from sqcli.recipes._steps import runs
from sqcli.runs.generate import generate

RESULTS = Path("results")
DOING = {"generate": "generating", "sample": "sampling", "train": "training"}
Reporter = Callable[[str], AbstractContextManager[Callable[[Any], None]]]


@dataclass(frozen=True)
class Outcome:
    """Outcome of a recipe: the rows of its table as mappings, and the files written."""

    recipe: Recipe
    rows: list[dict[str, Any]]
    files: list[Path]


def _silent(_: str) -> AbstractContextManager[Callable[[Any], None]]:
    return nullcontext(lambda _: None)


def commands(
    recipe: str | Path, *, out: Path | None = None, settings: Mapping[str, str] | None = None, profile: str = CPU
) -> list[str]:
    """List the commands that a recipe stands for; nothing is run.

    Raises:
        UsageError: the recipe is malformed.
    """
    loaded = load(recipe, settings, profile)
    return [shlex.join(run.request.command_line) for run in _plan(loaded, out or _results(loaded, profile))]


def _plan(recipe: Recipe, folder: Path) -> list[Run]:
    """Plan the runs of a recipe, and check that they give what its table wants."""
    found = runs(recipe, folder)
    _table.require_sense(recipe.table, {run.name: run for run in found})
    return found


def _results(recipe: Recipe, profile: str) -> Path:
    """Return the folder of the results; every profile has one of its own."""
    return RESULTS / (recipe.name if profile == CPU else f"{recipe.name}-{profile}")


def run(
    recipe: str | Path,
    *,
    out: Path | None = None,
    settings: Mapping[str, str] | None = None,
    profile: str = CPU,
    stop: threading.Event | None = None,
    say: Callable[[str], None] = lambda _: None,
    reporter: Reporter = _silent,
) -> Outcome:
    """Run a recipe, or go on with it: ensembles and models that are finished cost nothing.

    Args:
        recipe: file, or name of a file in the folder `recipes` here.
        out: folder of the results; if not given, `results/NAME` here, for profiles but cpu `results/NAME-PROFILE`.
        settings: entries of the recipe to replace, dotted key -> value as YAML.
        profile: name of one of the recipe's profiles.
        stop: event, set to commit and end early.
        say: function that is called with messages.
        reporter: makes the context that watches a run of the kind it is given, `generate`, `train` or `sample`.

    Raises:
        UsageError: the recipe is malformed; nothing has been run then.
        Stopped: ended early; run again to go on.
        SqcliError: a run failed, or `out` holds results of another recipe.
    """
    loaded = load(recipe, settings, profile)
    folder, stop = out or _results(loaded, profile), stop or threading.Event()
    steps = _plan(loaded, folder)
    _make(folder, [step.request.path for step in steps], [*_saved.FILES, *map(_image, loaded.plots)])
    for number, step in enumerate(steps, 1):
        _make_one(step, f"[{number}/{len(steps)}]", stop, reporter, say)
    paths = {step.name: step.request.path for step in steps}
    rows = _table.compare(loaded.table, paths, _watch(stop))
    tables = _saved.write(loaded, rows, folder) if rows else []
    files = [*tables, *(_draw(plot, loaded, paths, folder, stop, say) for plot in loaded.plots)]
    for file in files:
        say(f"wrote {file}")
    return Outcome(loaded, rows, files)


def _make(folder: Path, paths: Sequence[Path], files: Sequence[str]) -> None:
    """Make the folders of ensembles and models; SqcliError, before anything runs, where a result could not be written.

    Args:
        folder: folder of all results.
        paths: paths of the ensembles and models.
        files: names of tables and figures.
    """
    parents = dict.fromkeys(path.parent for path in paths)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for parent in parents:
            require_own_directories(folder, parent)
            parent.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if path.exists() and not path.is_dir():
            raise SqcliError(f"{path}: exists and is no directory, but a result goes there; move it away")
    for name in files:
        if (folder / name).exists() and not (folder / name).is_file():
            raise SqcliError(f"{folder / name}: exists and is no file, but a result goes there; move it away")
    for directory in (folder, *parents):
        if not os.access(directory, os.W_OK | os.X_OK):
            raise SqcliError(f"{directory}: cannot be written, but results go there; choose another --out")


def _make_one(step: Run, label: str, stop: threading.Event, reporter: Reporter, say: Callable[[str], None]) -> None:
    """Make what `step` is to make, or check what is there; `label` numbers it in messages."""
    _watch(stop)()
    work = _work(step.kind)
    if _finished(step):
        work(step.request, stop, lambda _: None)  # it compares the finished result with the request
        return
    say(f"{label} {DOING[step.kind]} {step.name}")
    with reporter(step.kind) as report:
        work(step.request, stop, report)


def _work(kind: str) -> Callable[..., None]:
    """Return the function that carries out runs of a kind; torch is loaded for models alone."""
    if kind == "train":
        from sqcli.runs.train import train

        return train
    if kind == "sample":
        from sqcli.runs.sample import sample

        return sample
    return generate


def _finished(step: Run) -> bool:
    """Tell whether the result of a run is there and complete."""
    if step.kind == "train":
        from sqcli.runs.dry_run import trained

        return trained(step.request.path)
    return store.is_ensemble(step.request.path) and store.open_ensemble(step.request.path).finished


def _watch(stop: threading.Event) -> Callable[..., None]:
    """Make a function that raises Stopped once `stop` is set, to be called now and then."""

    def look(*_: Any) -> None:
        if stop.is_set():
            raise Stopped("the recipe is stopped; everything is kept, run it again to go on")

    return look


def _image(plot: PlotEntry) -> str:
    return f"{plot.plot}.png"


def _draw(
    plot: PlotEntry,
    recipe: Recipe,
    paths: Mapping[str, Path],
    folder: Path,
    stop: threading.Event,
    say: Callable[[str], None],
) -> Path:
    """Draw a figure of the recipe into `folder`, say the numbers that it shows, and return the image's path."""
    _watch(stop)()
    target = folder / _image(plot)
    for line in draw(plot.figure(paths), _subject(plot, recipe, paths), target):
        say(f"{plot.plot}: {line}")
    return target


def _subject(plot: PlotEntry, recipe: Recipe, paths: Mapping[str, Path]) -> Any:
    """Find the subject of a plot: labelled ensembles, a model, or the ensembles of a scan by their parameters."""
    if isinstance(plot, EnsemblesPlot):
        return [LabelledEnsemble(name, paths[name]) for name in plot.of]
    if isinstance(plot, ModelPlot):
        return paths[plot.of]
    assert isinstance(plot, ScanPlot)
    x, y = Axis.parse(plot.x), Axis.parse(plot.y)
    return {(x.value(at), y.value(at)): paths[name] for name, at in recipe.makers[plot.of].points()}
