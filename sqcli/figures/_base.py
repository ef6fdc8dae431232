"""What a kind of figure is: a frozen dataclass whose fields are its options, and which draws one subject.

A subject is one or several ensembles, a model (some kinds: or an ensemble that was sampled from one), or a scan.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sqcli.figures._style import COLUMN, HEIGHT, Quantity
from sqcli.options import REQUIRED, option

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sqcli.figures._model_source import ModelSource

Grid = Mapping[tuple[float, float], Path]
"""Ensembles of a scan by the values of two parameters."""


@dataclass(frozen=True)
class FigureKind(ABC):
    """Base of all kinds of figures; `size` are width and height in inches."""

    size: ClassVar[tuple[float, float]] = COLUMN, HEIGHT

    @classmethod
    def name(cls) -> str:
        """What users type for the kind: its file's name."""
        return cls.__module__.rpartition(".")[2]

    @abstractmethod
    def draw(self, figure: "Figure", subject: Any) -> Sequence[str]:
        """Draw the subject; what the figure shows in numbers, one line each."""


@dataclass(frozen=True)
class LabelledEnsemble:
    """An ensemble in a figure, and what its legend says."""

    label: str
    path: Path


@dataclass(frozen=True)
class EnsemblesFigure(FigureKind):
    """Figure of an observable of one or several ensembles."""

    observable: str = option(
        "Observable, such as binder or correlator[3] (magnetization).",
        "NAME",
        default="magnetization",
        flags=("--obs",),
    )
    options: Mapping[str, Any] = option(
        "Option of the observable; repeatable.", "NAME=VALUE", default={}, flags=("-o", "--option"), of="observable"
    )

    @property
    def quantity(self) -> Quantity:
        """The observable with its options, and which of its components; UsageError where it is not written as one."""
        return Quantity.parse(self.observable, self.options)

    @abstractmethod
    def draw(self, figure: "Figure", ensembles: Sequence[LabelledEnsemble]) -> Sequence[str]:
        """Draw the ensembles; what the figure shows in numbers, one line each."""


@dataclass(frozen=True)
class ModelFigure(FigureKind):
    """Figure of a model.

    Attributes:
        of_samples: whether an ensemble that was sampled with densities has it as well; it takes no options then.
    """

    of_samples: ClassVar[bool] = False

    @abstractmethod
    def draw(self, figure: "Figure", source: "ModelSource") -> Sequence[str]:
        """Draw the model; what the figure shows in numbers, one line each."""


@dataclass(frozen=True)
class Mark:
    """A known point in a figure of a scan."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class ScanFigure(FigureKind):
    """Figure of a scan over two parameters, which recipes make."""

    x: str = option("Parameter along the horizontal axis.", default=REQUIRED, role="recipe")
    y: str = option("Parameter along the vertical axis.", default=REQUIRED, role="recipe")

    @abstractmethod
    def draw(self, figure: "Figure", grid: Grid) -> Sequence[str]:
        """Draw the ensembles at (x, y); what the figure shows in numbers, one line each."""


@dataclass(frozen=True)
class OnDevice:
    """Option of figures that a network computes."""

    device: str | None = option("Where to compute.", "cpu|cuda", choices=("cpu", "cuda"), role="how")


@dataclass(frozen=True)
class Seeded:
    """Option of figures that use random numbers, the same unless said otherwise: figures come out the same."""

    seed: int = option("Random numbers (1).", "S", default=1, least=0, most=2**64 - 1)


@dataclass(frozen=True)
class BesideEnsemble:
    """Option of figures that show a model's configurations beside others."""

    ensemble: Path | None = option("Configurations beside a model.", "ENS", name="with", flags=("--with",), role="path")


@dataclass(frozen=True)
class AtTimes:
    """Options of figures of the forward and the reverse process."""

    times: tuple[float, ...] = option("Times of the schedule.", "T,...", default=(), least=0, form="numbers")
    levels: tuple[float, ...] = option(
        "Noise levels of the normalised field, instead of times.", "S,...", default=(), least=0, form="numbers"
    )
