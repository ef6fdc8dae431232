"""Denoising strip: samples of the model in rows, times of the reverse process in columns (2309.17082).

τ = 1 − (t − t_min)/(t_max − t_min) runs from the noise to the configuration at τ = 1. Colours of a column span twice
the standard deviation of its fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.figures._model_source import BACKWARD, Subject
from sqcli.figures._reverse_process import backward

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS, COLUMNS = 4, 6
MOST = 64  # rows
SPAN = 2.0
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Strip:
    """Fields of the reverse process at times `tau`, (k,): (k, n, rows of a field, columns of it)."""

    tau: Array
    fields: Array


def strip(subject: Subject) -> Strip:
    """What is shown; of lattices of more than two dimensions the first plane.

    Raises:
        UsageError: one variable has no picture.
    """
    denoiser = subject.denoiser
    if denoiser.lattice.volume == 1:
        raise UsageError("denoising shows fields; of one variable, plot cumulants or score")
    schedule, rows = denoiser.schedule, subject.options.draws or ROWS
    if rows > MOST:
        raise UsageError(f"denoising has room for {MOST} samples, not for {rows}")
    times = np.linspace(schedule.t_min, schedule.t_max, COLUMNS)[1:]
    instants = subject.instants(times.tolist(), as_levels=False)
    fields = [_plane(phi.cpu().numpy()) for phi in backward(denoiser, subject.noise(BACKWARD, 0, rows), instants)]
    t = np.append(instants.t.numpy()[::-1], schedule.t_min)
    return Strip(1 - (t - schedule.t_min) / (schedule.t_max - schedule.t_min), np.stack(fields))


def _plane(fields: Array) -> Array:
    """(n, *extents) -> (n, rows, columns)."""
    if fields.ndim == 2:
        return fields[:, None]
    return fields.reshape(*fields.shape[:3], -1)[..., 0]


def draw(figure: "Figure", subject: Subject) -> Sequence[str]:
    """Images without axes."""
    shown = strip(subject)
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
    return []
