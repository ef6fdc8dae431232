"""Plot: figures of one or several ensembles, from the same numbers that the other commands print."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqcli.errors import UsageError
from sqcli.runs import _panels, _propagator
from sqcli.runs._canvas import COLUMN, HEIGHT, Quantity, Source, sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawer = Callable[["Figure", Sequence[Source], Quantity], None]


def _alone(panel: Callable[..., None]) -> Drawer:
    return lambda figure, sources, quantity: panel(figure.add_subplot(), sources, quantity)


def _overview(figure: "Figure", sources: Sequence[Source], quantity: Quantity) -> None:
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    for letter, axes, panel in zip(
        "abc", (left, middle, right), (_panels.history, _panels.rho, _panels.histogram), strict=True
    ):
        panel(axes, sources, quantity)
        axes.set_title(f"({letter})", loc="left")


KINDS: dict[str, tuple[Drawer, float, float]] = {
    "history": (_alone(_panels.history), 1.5 * COLUMN, HEIGHT),
    "rho": (_alone(_panels.rho), COLUMN, HEIGHT),
    "histogram": (_alone(_panels.histogram), COLUMN, HEIGHT),
    "overview": (_overview, 2.1 * COLUMN, HEIGHT),
    "propagator": (_propagator.draw, COLUMN, 1.4 * HEIGHT),
}
"""Kind -> what draws it, width and height in inches."""


def plot(path: str | Path, kind: str, observable: str, out: str | Path) -> None:
    """Draw `observable` of the ensemble at `path` and write the figure to `out`.

    Args:
        path: the ensemble.
        kind: one of `KINDS`.
        observable: its name, with a component where it has several: `correlator[3]`; `propagator` takes none.
        out: .png, .pdf or .svg.

    Raises:
        UsageError: an unknown kind, format or observable, or one that has no history.
        SqcliError: no readable ensemble, nothing committed, or the file cannot be written.
    """
    path = Path(path)
    plot_several([Source(path.name, path)], kind, observable, out)


def plot_several(sources: Sequence[Source], kind: str, observable: str, out: str | Path) -> None:
    """As `plot`, with several ensembles in one figure."""
    if kind not in KINDS:
        raise UsageError(f"no kind of plot {kind!r}; there are: {', '.join(KINDS)}")
    drawer, width, height = KINDS[kind]
    quantity = Quantity.parse(observable)
    with sheet(Path(out), width, height) as figure:
        drawer(figure, sources, quantity)
