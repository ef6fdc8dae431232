"""Denoising strip: samples of the model in rows, times of the reverse process in columns (2309.17082).

τ = 1 − (t − t_min)/(t_max − t_min) runs from the noise to the configuration at τ = 1. Colours of a column span twice
the standard deviation of its fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sqcli.figures._base import AtTimes, ModelFigure, OnDevice, Seeded
from sqcli.figures._style import COLUMN, HEIGHT
from sqcli.options import option

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sqcli.figures._model_source import ModelSource

SPAN = 2.0  # of a column's colours, in standard deviations


@dataclass(frozen=True)
class DenoisingFigure(AtTimes, Seeded, OnDevice, ModelFigure):
    """Images without axes, one row per sample."""

    draws: int = option("Configurations or samples.", "N", default=4, least=1)
    size: ClassVar[tuple[float, float]] = 1.9 * COLUMN, HEIGHT

    def draw(self, figure: "Figure", source: "ModelSource") -> Sequence[str]:
        """Draw the images; they say no numbers."""
        from sqcli.figures._denoising_strip import strip

        shown = strip(source, self, self.draws)
        columns, rows = shown.fields.shape[:2]
        panels = figure.subplots(rows, columns, squeeze=False)
        for column in range(columns):
            reach = SPAN * float(np.std(shown.fields[column])) or 1.0
            for row in range(rows):
                axes = panels[row, column]
                axes.imshow(shown.fields[column, row], cmap="RdBu_r", vmin=-reach, vmax=reach, interpolation="nearest")
                axes.set_axis_off()
            panels[0, column].set_title(rf"$\tau = {shown.tau[column]:.3g}$")
        figure.set_size_inches(0.9 * columns, 0.9 * rows + 0.25)
        return ()
