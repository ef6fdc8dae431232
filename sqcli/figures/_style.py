"""Style that all figures share: size, type, colours, names of quantities, and how a file is written.

Figures are made for print: 3.4 inches is a column of a journal, type is 8 points, lines differ also without colour.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis.per_draw import column_of
from sqcli.errors import SqcliError, UsageError
from sqcli.files import explained, replace_bytes
from sqcli.text import assignments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN = 3.4  # inches
HEIGHT = 2.5
DPI = 300
COLOURS = ("#0b5fa5", "#c44e1c", "#2e7d46", "#7b4ea3", "#8a6d00", "#555555")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P")
FORMATS = ("png", "pdf", "svg")
SYMBOLS = {
    "magnetization": r"$M$",
    "abs_magnetization": r"$|M|$",
    "mean_abs_field": r"$V^{-1}\sum_x|\phi(x)|$",
    "chi2": r"$\chi_2$",
    "chi2_abs": r"$\chi_2(|M|)$",
    "chi2_improved": r"$\chi_2$ (improved)",
    "binder": r"$U_L$",
    "action": r"$S/V$",
    "field_squared": r"$\phi^2$",
    "plaquette": r"plaquette",
    "topological_charge": r"$Q$",
    "exp_delta_h": r"$e^{-\Delta H}$",
}
PARAMETERS = {"kappa": r"$\kappa$", "lambda": r"$\lambda$", "beta": r"$\beta$", "mass2": r"$m^2$"}
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.0,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True)
class Quantity:
    """An observable with its options, and which of its components."""

    name: str
    component: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str, options: Mapping[str, Any] | None = None) -> "Quantity":
        """Read `correlator[3]` or `action`."""
        name, bracket, rest = text.partition("[")
        if not bracket:
            return cls(name, None, options or {})
        if not rest.endswith("]") or len(rest) == 1:
            raise UsageError(f"an observable is written NAME or NAME[COMPONENT], not {text!r}")
        return cls(name, rest[:-1], options or {})

    @property
    def symbol(self) -> str:
        """The label of an axis."""
        symbol = SYMBOLS.get(self.name, self.name.replace("_", " "))
        component = "" if self.component is None else f" [{self.component}]"
        return f"{symbol}{component}" + (f", {assignments(self.options)}" if self.options else "")

    def column(self, labels: Sequence[str]) -> int:
        """Find which of the components `labels` it is.

        Raises:
            UsageError: no such component, or none chosen among several.
        """
        return column_of(self.name, self.component, labels)


@contextlib.contextmanager
def sheet(out: Path, width: float = COLUMN, height: float = HEIGHT) -> Iterator["Figure"]:
    """Make an empty figure of `width` times `height` inches, which is written to `out` at the end.

    The file is written aside and renamed; a link there is replaced, its target left alone.

    Raises:
        UsageError: a format that is not offered.
        SqcliError: the file cannot be written.
    """
    kind = out.suffix[1:].lower()
    if kind not in FORMATS:
        raise UsageError(f"{out}: the name of a figure must end in .{', .'.join(FORMATS)}")
    if out.exists() and not out.is_file():
        raise SqcliError(f"{out}: exists and is no file; choose another name")
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind)
        with explained(out):
            replace_bytes(out, buffer.getvalue())


def real(values: NDArray[Any]) -> NDArray[np.float64]:
    """Take the real part; figures show one number."""
    return np.asarray(values.real, dtype=np.float64)
