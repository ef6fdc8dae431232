"""Faults of a recipe that types alone do not tell: names that occur twice, or that nothing has."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqcli import registry
from sqcli.analysis.selection import with_options
from sqcli.errors import UsageError
from sqcli.figures import Axis, of_sampled_ensembles
from sqcli.recipes._kinds import Sample, Train, kind_and_name
from sqcli.recipes._model import Measured, Recipe
from sqcli.recipes._plots import EnsemblesPlot, ModelPlot, PlotEntry, ScanPlot

MOST_RUNS = 10_000  # most ensembles that one recipe may generate
LISTED = 12  # most names that a message lists
NAMEABLE = re.compile(r"[A-Za-z0-9+-][A-Za-z0-9+._-]{0,59}")


def faults(recipe: Recipe) -> Iterator[str]:
    """Find what is wrong with a recipe whose types are right: one line a fault, which begins with the key."""
    steps = [(f"steps.{step.index}.{kind_and_name(step)[0]}", kind_and_name(step)[1]) for step in recipe.steps]
    plots = [(f"plots.{plot.index}.plot", plot.plot) for plot in recipe.plots]
    if (points := sum(step.size for step in recipe.makers.values())) > MOST_RUNS:
        yield f"steps: the scans make {points} ensembles, {MOST_RUNS} at most belong into one recipe; split it"
        return
    for names in (steps, plots):
        yield from (f"{key}: the name {name!r} is taken" for key, name in _repeated(names))
    yield from _scans(recipe)
    yield from _orders(recipe)
    ensembles = dict.fromkeys(name for points in recipe.ensembles.values() for name in points)
    for row in recipe.table:
        yield from _unknown(f"table.{row.index}.of", row.of, ensembles, recipe)
        yield from _no_observable(f"table.{row.index}", "observable", [row.observable], row.options)
        if isinstance(row.reference, Measured):
            yield from _unknown(f"table.{row.index}.reference.of", row.reference.of, ensembles, recipe)
    for plot in recipe.plots:
        yield from _plot_faults(f"plots.{plot.index}", plot, ensembles, recipe)


def _repeated(named_at: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of key and name whose name occurred before."""
    before: set[str] = set()
    for key, name in named_at:
        if name in before:
            yield key, name
        before.add(name)


def _scans(recipe: Recipe) -> Iterator[str]:
    """Find values of scans that stand twice, or that cannot be part of the name of a folder."""
    for step in recipe.makers.values():
        for name, values in step.scan.items():
            key = f"steps.{step.index}.scan.{name}"
            texts = [str(value) for value in values]
            yield from (f"{key}: {text!r} stands twice" for _, text in _repeated([(key, text) for text in texts]))
            yield from (f"{key}: {text!r} cannot be part of a name" for text in texts if not NAMEABLE.fullmatch(text))


def _orders(recipe: Recipe) -> Iterator[str]:
    """Find steps that use what no earlier step makes."""
    ensembles: dict[str, None] = {}
    models: dict[str, None] = {}
    for step in recipe.steps:
        key = f"steps.{step.index}"
        if isinstance(step, Train):
            for name in step.of:
                yield from _later(f"{key}.of", "ensemble", name, ensembles, recipe)
            yield from _later(f"{key}.init", "model", step.init, models, recipe)
            models[step.train] = None
        elif isinstance(step, Sample):
            yield from _later(f"{key}.model", "model", step.model, models, recipe)
        if not isinstance(step, Train):
            ensembles |= dict.fromkeys([step.made, *(name for name, _ in step.points())])


def _later(key: str, what: str, name: str | None, known: Collection[str], recipe: Recipe) -> Iterator[str]:
    """Say that no earlier step makes `name`, and what it is instead."""
    if name is None or name in known:
        return
    made = {"ensemble": recipe.ensembles, "model": recipe.models}
    other = "model" if what == "ensemble" else "ensemble"
    reason = ""
    if name in made[what]:
        reason = f" ({name} is made by this step or a later one)"
    elif name in made[other]:
        reason = f" ({name} makes {'a model' if other == 'model' else 'an ensemble'})"
    article = "an" if what == "ensemble" else "a"
    yield f"{key}: no earlier step makes {article} {what} {name!r}{reason}; there are: {_listed(known)}"


def _unknown(key: str, name: str, known: Collection[str], recipe: Recipe) -> Iterator[str]:
    """Say that `name` is no ensemble of the recipe, and what it is instead."""
    if name in known:
        return
    scan = name.partition("/")[0]
    points = recipe.ensembles.get(scan, [])
    if name in recipe.models:
        yield f"{key}: {name!r} is a model, made by a train step; the ensembles are: {_listed(known)}"
    elif name in recipe.ensembles:
        yield f"{key}: {name!r} is a scan, not one ensemble; its points are: {_listed(points)}"
    elif points:
        yield f"{key}: {scan} has no point {name!r}; what it makes: {_listed(points)}"
    else:
        yield f"{key}: no ensemble {name!r}; there are: {_listed(known)}"


def _listed(names: Collection[str]) -> str:
    return ", ".join([*list(names)[:LISTED], *["…"] * (len(names) > LISTED)]) or "none"


def _no_observable(key: str, entry: str, names: Sequence[str], options: Mapping[str, Any]) -> Iterator[str]:
    """Find what is wrong with the observables that `entry` names, and with the options that go with them."""
    asked = entry
    try:
        for name in names:
            registry.resolve("observables", name)
        asked = "options"
        if options:
            with_options(names, options)
    except UsageError as error:
        yield f"{key}.{asked}: {error}"


def _plot_faults(key: str, plot: PlotEntry, ensembles: Collection[str], recipe: Recipe) -> Iterator[str]:
    """Find what is wrong with a plot: its subject, its observables, its options."""
    given = {option.name: value for option, value in plot.given()}
    if isinstance(plot, EnsemblesPlot):
        for name in plot.of:
            yield from _unknown(f"{key}.of", name, ensembles, recipe)
    elif isinstance(plot, ModelPlot):
        yield from _model_faults(key, plot, ensembles, recipe)
    elif isinstance(plot, ScanPlot):
        scans = {name: set(step.scan) for name, step in recipe.makers.items() if step.scan}
        if plot.of not in scans:
            yield f"{key}.of: no step {plot.of!r} with a scan; there are: {', '.join(scans) or 'none'}"
        elif scans[plot.of] != {Axis.parse(given[way]).name for way in "xy"} or given["x"] == given["y"]:
            yield f"{key}: x and y must be the two parameters of the scan: {', '.join(scans[plot.of])}"
    if "observable" in given:
        name = given["observable"].partition("[")[0]
        yield from _no_observable(key, "observable", [name], given.get("options", {}))
    if "observables" in given:
        names = [each.partition("[")[0] for each in given["observables"]]
        yield from _no_observable(key, "observables", names, given.get("options", {}))
    try:
        plot.figure(defaultdict(Path))  # a figure must be possible wherever its ensembles lie
    except UsageError as error:
        yield f"{key}: {error}"


def _model_faults(key: str, plot: ModelPlot, ensembles: Collection[str], recipe: Recipe) -> Iterator[str]:
    """Find what is wrong with the subject of a plot of a model, and with the ensembles beside it."""
    samples = [step.sample for step in recipe.steps if isinstance(step, Sample)]
    able = [*recipe.models, *(samples if plot.kind in of_sampled_ensembles() else ())]
    if plot.of not in able:
        yield f"{key}.of: {plot.kind} is a plot of a model; no such step {plot.of!r}; there are: {', '.join(able)}"
    for option, value in plot.given():
        if option.said.role == "path":
            yield from _unknown(f"{key}.{option.key}", value, ensembles, recipe)
        if plot.of not in recipe.models:
            yield f"{key}.{option.key}: {plot.kind} of {plot.of} does not take it"
