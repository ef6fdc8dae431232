"""Score and drift of the reverse process of one variable at given times, the model's beside the exact ones.

Deviations are √(⟨(s − s*)²⟩/⟨s*²⟩) with averages over the exact p_t.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.figures._model_source import Subject
from sqcli.figures._reverse_process import Instants, drift, exact_score, score
from sqcli.figures._style import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 241
REACH = 3.0  # standard deviations of φ_t shown on either side
LEVELS = (0.1, 0.3, 1.0, 3.0)  # by default, in standard deviations of φ₀
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """At time t: field, scores, drifts and the exact density, (POINTS,) each; and the score's relative deviation."""

    t: float
    field: Array
    score: Array
    exact: Array
    drift: Array
    exact_drift: Array
    density: Array

    @property
    def deviation(self) -> float:
        """Of the score, see the module's text; the grid is even."""
        wrong = (self.density * (self.score - self.exact) ** 2).sum()
        return float(np.sqrt(wrong / (self.density * self.exact**2).sum()))


def curves(subject: Subject) -> list[Curve]:
    """One per time.

    Raises:
        UsageError: more than one variable, a model that draws it without a score, or a theory without a known one.
    """
    denoiser = subject.denoiser
    if denoiser.lattice.volume != 1 or not denoiser.freedoms:
        raise UsageError("score is a plot of models of one variable (lattice 1), of nets without slow mode")
    width = float(denoiser.spectrum(None).reshape(-1)[0].sqrt())
    low, high = denoiser.schedule.level_min, denoiser.schedule.level_max
    default = [min(max(level * width, low), high) for level in LEVELS]
    instants = subject.instants(default, as_levels=True)
    return [_curve(subject, instants, i, width) for i in range(len(instants.t))]


def _curve(subject: Subject, instants: Instants, i: int, width: float) -> Curve:
    import torch

    denoiser = subject.denoiser
    reach = REACH * denoiser.scale * float(instants.alpha[i]) * np.hypot(width, float(instants.level[i]))
    field = torch.linspace(-reach, reach, POINTS, dtype=torch.float64, device=denoiser.device)[:, None]
    mine = score(denoiser, field, instants, i)
    exact, log_p = exact_score(denoiser, field, instants, i)
    drifts = (drift(denoiser, field, values, instants, i) for values in (mine, exact))
    columns = (field, mine, exact, *drifts, log_p.exp())
    return Curve(float(instants.t[i]), *(values.reshape(-1).cpu().numpy() for values in columns))


def draw(figure: "Figure", subject: Subject) -> Sequence[str]:
    """Two panels; the deviation at each time."""
    found = curves(subject)
    left, right = figure.subplots(1, 2)
    for number, curve in enumerate(found):
        colour, label = COLOURS[number % 6], f"t = {curve.t:.3g}"
        for axes, mine, exact in ((left, curve.score, curve.exact), (right, curve.drift, curve.exact_drift)):
            axes.plot(curve.field, exact, color=colour, linewidth=2.2, alpha=0.3)
            axes.plot(curve.field, mine, color=colour, linewidth=0.9, linestyle="--", label=label)
    for axes, letter in ((left, "a"), (right, "b")):
        axes.set_title(f"({letter})", loc="left")
        axes.set_xlabel(r"$\phi_t$")
    left.set_ylabel(r"score $\partial_\phi \log p_t$")
    right.set_ylabel(r"reverse drift $f\phi - g^2 \partial_\phi \log p_t$")
    left.legend(loc="best", title="dashed: model, pale: exact", title_fontsize=7)
    return [f"t = {curve.t:.4g}: relative deviation of the score {curve.deviation:.3g}" for curve in found]
