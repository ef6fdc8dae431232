"""Plot: load a kind of figure, check its options and its subject, draw it, write the image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli import registry
from sqcli.diffusion.models.files import is_model
from sqcli.errors import SqcliError, UsageError
from sqcli.figures._base import EnsemblesFigure, FigureKind, LabelledEnsemble, ModelFigure, ScanFigure
from sqcli.figures._style import sheet
from sqcli.options import asked

FOLDER = "figures"
SOURCE = ("ensemble", "device", "seed")  # options that say how a model is read


@dataclass(frozen=True)
class Image:
    """A figure that was written, and what it shows in numbers, one line each."""

    path: Path
    lines: Sequence[str]


def kind_of(name: str) -> type[FigureKind]:
    """Load the kind of figure `name`.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    return registry.load(FOLDER, name)


def kinds(base: type = FigureKind) -> tuple[str, ...]:
    """Names of the kinds of figures that are made from `base`."""
    return tuple(name for name in registry.names(FOLDER) if issubclass(kind_of(name), base))


def of_sampled_ensembles() -> tuple[str, ...]:
    """Names of those kinds of figures of models that a sampled ensemble has as well."""
    found = {name: kind_of(name) for name in registry.names(FOLDER)}
    return tuple(name for name, kind in found.items() if issubclass(kind, ModelFigure) and kind.of_samples)


def build(kind: str, given: Mapping[str, Any]) -> FigureKind:
    """Build a figure of `kind` from options by the names of its fields.

    Raises:
        UsageError: an option is missing, or cannot be so.
    """
    found = kind_of(kind)
    for each in asked(found).values():
        if each.required and each.name not in given:
            raise UsageError(f"{kind} needs {each.flags[0]}")
    try:
        return found(**given)
    except ValueError as error:
        raise UsageError(f"{kind}: {error}") from None


def plot(path: str | Path, kind: str, out: str | Path | None = None, **said: Any) -> Image:
    """Draw a figure of one ensemble or model.

    Args:
        path: the ensemble or model.
        kind: name of a kind of figure.
        out: .png, .pdf or .svg; if not given, named after the kind and its observable, here.
        said: options, by the names of the fields of the kind; None, or an empty value, says nothing.

    Raises:
        UsageError: an unknown kind, format or observable, an option that the kind does not have, or an ensemble or
            model that it does not exist for.
        SqcliError: no readable ensemble or model, nothing committed, or the file cannot be written.
    """
    path, found = Path(path), kind_of(kind)
    if issubclass(found, ScanFigure):
        raise UsageError(f"{kind} is a plot of a scan; it belongs into the plots of a recipe")
    if issubclass(found, ModelFigure) and not path.exists():
        raise SqcliError(f"{path}: there is no model and no ensemble")
    given = {name: value for name, value in said.items() if value is not None and value not in ((), {})}
    _require_taken(path, kind, given)
    figure = build(kind, given)
    if isinstance(figure, EnsemblesFigure):
        target = Path(out or f"{kind}-{figure.observable}.png")
        return Image(target, draw(figure, [LabelledEnsemble(path.name, path)], target))
    target = Path(out or f"{kind}.png")
    return Image(target, draw(figure, path, target))


def _require_taken(path: Path, kind: str, given: Mapping[str, Any]) -> None:
    """An option that the figure does not have is wrong usage; those of sampled ensembles have none."""
    of_model = issubclass(kind_of(kind), ModelFigure)
    takes = asked(kind_of(kind)) if is_model(path) or not of_model else {}
    for name in given:
        if name in takes:
            continue
        having = {other: asked(kind_of(other))[name] for other in kinds() if name in asked(kind_of(other))}
        flag = next(iter(having.values())).flags[0] if having else name
        if having and not of_model and having.keys() <= set(kinds(ModelFigure)):
            raise UsageError(f"{flag} is for plots of models: {', '.join(having)}")
        listed = ", ".join(each.flags[0] for each in takes.values()) or "no options"
        raise UsageError(f"{flag}: {kind} of {'a model' if is_model(path) else 'an ensemble'} takes {listed}")


def draw(figure: FigureKind, subject: Any, out: str | Path) -> Sequence[str]:
    """Draw a figure and write it to `out`.

    Args:
        figure: a kind of figure with its options.
        subject: labelled ensembles, the path of a model or sampled ensemble, or the ensembles of a scan by (x, y).
        out: .png, .pdf or .svg.

    Returns:
        What the figure shows in numbers, one line each.

    Raises:
        UsageError: as `plot`.
        SqcliError: as `plot`.
    """
    if isinstance(figure, EnsemblesFigure):
        _require_ensembles(subject)
    elif isinstance(figure, ModelFigure):
        subject = _source(figure, Path(subject))
    with sheet(Path(out), *figure.size) as page:
        return figure.draw(page, subject)


def _require_ensembles(ensembles: Sequence[LabelledEnsemble]) -> None:
    for ensemble in ensembles:
        if is_model(ensemble.path):
            listed = ", ".join(kinds(ModelFigure))
            raise UsageError(f"{ensemble.path} is a model, of which there are the plots {listed}")


def _source(figure: ModelFigure, path: Path) -> Any:
    """The model or sampled ensemble at `path`, read as the options of the figure say."""
    from sqcli.figures._model_source import ModelSource

    if not is_model(path) and not figure.of_samples:
        raise UsageError(
            f"{path} is no model, and {figure.name()} is a plot of models; of a sampled ensemble there are: "
            f"{', '.join(of_sampled_ensembles())}"
        )
    return ModelSource(path, **{name: getattr(figure, name) for name in SOURCE if hasattr(figure, name)})
