"""Plot: figures of ensembles, from the same numbers that the other commands print, and of models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqcli.diffusion.models.files import is_model
from sqcli.errors import SqcliError, UsageError
from sqcli.figures import _panels, propagator
from sqcli.figures._style import COLUMN, HEIGHT, Quantity, Source, sheet
from sqcli.registry import suggestion

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
    "propagator": (propagator.draw, COLUMN, 1.4 * HEIGHT),
}
"""Kind -> what draws it, width and height in inches."""


@dataclass(frozen=True)
class ModelKind:
    """A figure of a model, or of a sampled ensemble.

    Attributes:
        module: whose `draw` draws it; it needs torch and is imported when it is wanted.
        takes: options that it has, as on the command line.
        width: in inches, as is `height`.
    """

    module: str
    takes: tuple[str, ...]
    width: float = COLUMN
    height: float = HEIGHT


_PROCESS = ("times", "levels", "device")
MODEL_KINDS: dict[str, ModelKind] = {
    "effective_action": ModelKind("effective_action", ("with", "draws", "seed", "method", "a", "device")),
    "score": ModelKind("score", _PROCESS, 1.9 * COLUMN),
    "denoising": ModelKind("denoising", (*_PROCESS, "draws", "seed"), 1.9 * COLUMN),
    "cumulants": ModelKind("cumulants", (*_PROCESS, "with", "draws", "seed"), 1.9 * COLUMN, 1.7 * HEIGHT),
    "acceptance": ModelKind("acceptance", ()),
}
"""Kinds of figures of models, by name."""
OF_ENSEMBLES = ("effective_action", "acceptance")
"""Those of them that a sampled ensemble has as well."""


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
    _require_known(kind)
    if kind not in KINDS:
        raise UsageError(f"{kind} is a plot of one model or sampled ensemble")
    for source in sources:
        if is_model(source.path):
            raise UsageError(f"{source.path} is a model, of which there are the plots {', '.join(MODEL_KINDS)}")
    drawer, width, height = KINDS[kind]
    quantity = Quantity.parse(observable)
    with sheet(Path(out), width, height) as figure:
        drawer(figure, sources, quantity)


def plot_model(path: str | Path, kind: str, out: str | Path, **options: Any) -> Sequence[str]:
    """Draw a figure of the model at `path`, or of the ensemble there where it was sampled with densities.

    Args:
        path: the model or ensemble.
        kind: one of `MODEL_KINDS`.
        out: .png, .pdf or .svg.
        options: fields of `sqcli.figures._model_source.Options`: ensemble, times, levels, draws, seed, method, …

    Returns:
        What the figure shows in numbers, one line each.

    Raises:
        UsageError: an unknown kind or format, an option that it does not take, a model that it does not exist for.
        SqcliError: no readable model or ensemble, or the file cannot be written.
    """
    from sqcli.figures._model_source import Options, Subject

    _require_known(kind)
    if kind not in MODEL_KINDS:
        raise UsageError(f"{kind} is a plot of an ensemble; of a model there are: {', '.join(MODEL_KINDS)}")
    if not Path(path).exists():
        raise SqcliError(f"{path}: there is no model and no ensemble")
    how, said = MODEL_KINDS[kind], Options(**options)
    subject = Subject(Path(path), said)
    _require_taken(kind, how.takes if subject.is_model else (), said.given(), subject.is_model)
    if not subject.is_model and kind not in OF_ENSEMBLES:
        raise UsageError(
            f"{path} is no model, and {kind} is a plot of models; of a sampled ensemble there are: "
            f"{', '.join(OF_ENSEMBLES)}"
        )
    with sheet(Path(out), how.width, how.height) as figure:
        lines: Sequence[str] = import_module(f"sqcli.figures.{how.module}").draw(figure, subject)
    return lines


def _require_known(kind: str) -> None:
    if kind not in KINDS and kind not in MODEL_KINDS:
        known = (*KINDS, *MODEL_KINDS)
        raise UsageError(f"no kind of plot {kind!r}{suggestion(kind, known)}; there are: {', '.join(known)}")


def _require_taken(kind: str, takes: Sequence[str], given: Sequence[str], model: bool) -> None:
    wrong = [name for name in given if name not in takes]
    if wrong:
        listed = ", ".join(_flag(name) for name in takes) or "no options"
        raise UsageError(f"{_flag(wrong[0])}: {kind} of {'a model' if model else 'an ensemble'} takes {listed}")


def _flag(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"
