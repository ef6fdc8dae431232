"""What the types of a recipe alone do not tell: names that occur twice, or that nothing has."""

from collections.abc import Collection, Iterator

from sqcli import registry
from sqcli.errors import UsageError
from sqcli.recipes._kinds import Sample, Train, named
from sqcli.recipes._model import Measured, ModelPlot, PhaseDiagram, Plot, Recipe, SeriesPlot
from sqcli.runs.plot import MODEL_KINDS, OF_ENSEMBLES


def faults(recipe: Recipe) -> Iterator[str]:
    """Each in a line that begins with the key."""
    steps = [(f"steps.{step.number}.{named(step)[0]}", named(step)[1]) for step in recipe.steps]
    plots = [(f"plots.{plot.number}.plot", plot.plot) for plot in recipe.plots]
    for names in (steps, plots):
        before = [name for _, name in names]
        yield from (f"{key}: the name {name!r} is taken" for n, (key, name) in enumerate(names) if name in before[:n])
    yield from _orders(recipe)
    ensembles = {name for points in recipe.ensembles.values() for name in points}
    for row in recipe.table:
        yield from _unknown(f"table.{row.number}.of", row.of, ensembles, recipe)
        yield from _no_observable(f"table.{row.number}.observable", row.observable)
        if isinstance(row.reference, Measured):
            yield from _unknown(f"table.{row.number}.reference.of", row.reference.of, ensembles, recipe)
    for plot in recipe.plots:
        yield from _plot_faults(f"plots.{plot.number}", plot, ensembles, recipe)


def _orders(recipe: Recipe) -> Iterator[str]:
    """Steps that use what no earlier step makes."""
    ensembles: dict[str, None] = {}
    models: dict[str, None] = {}
    for step in recipe.steps:
        key = f"steps.{step.number}"
        if isinstance(step, Train):
            for name in step.of:
                yield from _later(f"{key}.of", "ensemble", name, ensembles)
            yield from _later(f"{key}.init", "model", step.init, models)
            models[step.train] = None
        elif isinstance(step, Sample):
            yield from _later(f"{key}.model", "model", step.model, models)
            ensembles[step.sample] = None
        else:
            ensembles |= dict.fromkeys([step.generate, *(name for name, _ in step.points())])


def _later(key: str, what: str, name: str | None, known: Collection[str]) -> Iterator[str]:
    if name is not None and name not in known:
        yield f"{key}: no earlier step makes a {what} {name!r}; there are: {', '.join(known) or 'none'}"


def _unknown(key: str, name: str, known: Collection[str], recipe: Recipe) -> Iterator[str]:
    if name not in known:
        yield f"{key}: no ensemble {name!r}; the steps are: {', '.join(recipe.ensembles)}"


def _no_observable(key: str, name: str) -> Iterator[str]:
    try:
        registry.resolve("observables", name)
    except UsageError as error:
        yield f"{key}: {error}"


def _plot_faults(key: str, plot: Plot, ensembles: Collection[str], recipe: Recipe) -> Iterator[str]:
    if isinstance(plot, SeriesPlot):
        for name in plot.of:
            yield from _unknown(f"{key}.of", name, ensembles, recipe)
        yield from _no_observable(f"{key}.observable", plot.observable.partition("[")[0])
    elif isinstance(plot, ModelPlot):
        samples = [step.sample for step in recipe.steps if isinstance(step, Sample)]
        able = [*recipe.models, *(samples if plot.kind in OF_ENSEMBLES else ())]
        if plot.of not in able:
            yield f"{key}.of: {plot.kind} is a plot of a model; no such step {plot.of!r}; there are: {', '.join(able)}"
        if plot.beside is not None:
            yield from _unknown(f"{key}.with", plot.beside, ensembles, recipe)
        takes = MODEL_KINDS[plot.kind].takes if plot.of in recipe.models else ()
        yield from (
            f"{key}.{name}: {plot.kind} of {plot.of} does not take it" for name in plot.given() if name not in takes
        )
    else:
        yield from _diagram_faults(key, plot, recipe)


def _diagram_faults(key: str, plot: PhaseDiagram, recipe: Recipe) -> Iterator[str]:
    scans = {name: set(step.scan) for name, step in recipe.generated.items() if step.scan}
    if plot.of not in scans:
        yield f"{key}.of: no step {plot.of!r} with a scan; there are: {', '.join(scans) or 'none'}"
    elif scans[plot.of] != {plot.x, plot.y}:
        yield f"{key}: x and y must be the two parameters of the scan: {', '.join(scans[plot.of])}"
    for name in plot.observables:
        yield from _no_observable(f"{key}.observables", name)
