"""Effective action −log q(φ) of a model against the action S(φ): equal up to a constant where q = e^{−S}/Z.

The line is S_eff = S + c of slope one, c = ⟨S_eff − S⟩, R² = 1 − var(S_eff − S)/var(S) (2309.17082: R² = 0.960).
Densities of reverse paths have a noise of their own, which lowers R²; those of the probability flow have none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.figures._base import BesideEnsemble, ModelFigure, OnDevice, Seeded
from sqcli.figures._style import COLOURS
from sqcli.options import option

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sqcli.figures._model_source import ModelSource


@dataclass(frozen=True)
class EffectiveActionFigure(BesideEnsemble, Seeded, OnDevice, ModelFigure):
    """One panel; of an ensemble beside the model, else of the model's own draws, or of those that were sampled."""

    draws: int = option("Configurations or samples.", "N", default=1024, least=1)
    method: str = option("Sampler for densities: path (default) or ode.", "M", default="path")
    method_parameters: Mapping[str, Any] = option(
        "Sampler parameter; repeatable.", "NAME=VALUE", default={}, flags=("-a", "--method-parameter"), of="method"
    )
    of_samples: ClassVar[bool] = True

    def draw(self, figure: "Figure", source: "ModelSource") -> Sequence[str]:
        """Draw points and line; what the line is."""
        from sqcli.figures._effective_actions import ActionLine

        action, effective = self._actions(source)
        line = ActionLine.through(action, effective)
        axes = figure.add_subplot()
        axes.plot(action, effective, ".", markersize=1.6, color=COLOURS[0], rasterized=True)
        ends = np.array([np.nanmin(action), np.nanmax(action)])
        sign = "+" if line.constant >= 0 else "-"
        label = rf"$S {sign} {abs(line.constant):.4g}$,  $R^2 = {line.r2:.4f}$"
        axes.plot(ends, ends + line.constant, color=COLOURS[1], linestyle="--", label=label)
        axes.set_xlabel(r"action $S$")
        axes.set_ylabel(r"effective action $-\log q$")
        axes.legend(loc="upper left")
        return [str(line)]

    def _actions(self, source: "ModelSource") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """S and S_eff, (n,) each."""
        from sqcli.figures._effective_actions import actions, recorded, sampler_of

        if not source.is_model:
            return recorded(source)
        return actions(source, sampler_of(source, self.method, self.method_parameters), self.draws)
