"""Score and drift of the reverse process of one variable at given times, of the model and exact.

Deviations are √(⟨(s − s*)²⟩/⟨s*²⟩) with averages over the exact p_t.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.errors import UsageError
from sqcli.figures._base import AtTimes
from sqcli.figures._model_source import ModelSource
from sqcli.figures._reverse_process import Instants, drift, exact_score, score

POINTS = 241
REACH = 3.0  # standard deviations of φ_t shown on either side
LEVELS = (0.1, 0.3, 1.0, 3.0)  # by default, in standard deviations of φ₀
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Field, scores, drifts and the exact density at time t, (POINTS,) each; and the score's relative deviation."""

    t: float
    field: Array
    score: Array
    exact: Array
    drift: Array
    exact_drift: Array
    density: Array

    @property
    def deviation(self) -> float:
        """The relative deviation of the score, see the module's text; the grid is even."""
        wrong = (self.density * (self.score - self.exact) ** 2).sum()
        return float(np.sqrt(wrong / (self.density * self.exact**2).sum()))


def curves(source: ModelSource, at: AtTimes) -> list[Curve]:
    """Compute one curve per time.

    Raises:
        UsageError: more than one variable, a model that draws it without a score, or a theory without a known one.
    """
    denoiser = source.denoiser
    if denoiser.lattice.volume != 1 or not denoiser.freedoms:
        raise UsageError("score is a plot of models of one variable (lattice 1), of nets without slow mode")
    width = float(denoiser.spectrum(None).reshape(-1)[0].sqrt())
    low, high = denoiser.schedule.level_min, denoiser.schedule.level_max
    default = Instants.at_levels(denoiser.schedule, [min(max(level * width, low), high) for level in LEVELS])
    instants = Instants.chosen(denoiser.schedule, at, default)
    return [_curve(denoiser, instants, i, width) for i in range(len(instants.t))]


def _curve(denoiser: Denoiser, instants: Instants, i: int, width: float) -> Curve:
    reach = REACH * denoiser.scale * float(instants.alpha[i]) * np.hypot(width, float(instants.level[i]))
    field = torch.linspace(-reach, reach, POINTS, dtype=torch.float64, device=denoiser.device)[:, None]
    mine = score(denoiser, field, instants, i)
    exact, log_p = exact_score(denoiser, field, instants, i)
    drifts = (drift(denoiser, field, values, instants, i) for values in (mine, exact))
    columns = (field, mine, exact, *drifts, log_p.exp())
    return Curve(float(instants.t[i]), *(values.reshape(-1).cpu().numpy() for values in columns))
