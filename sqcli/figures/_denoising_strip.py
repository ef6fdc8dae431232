"""Denoising strip: fields of the reverse process at several times.

τ = 1 − (t − t_min)/(t_max − t_min) runs from the noise to the configuration at τ = 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.figures._base import AtTimes
from sqcli.figures._model_source import BACKWARD, ModelSource
from sqcli.figures._reverse_process import Instants, backward

COLUMNS = 6
MOST = 64  # rows
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Strip:
    """Fields of the reverse process at times `tau`, (k,): (k, n, rows of a field, columns of it)."""

    tau: Array
    fields: Array


def strip(source: ModelSource, at: AtTimes, draws: int) -> Strip:
    """Draw `draws` samples; of lattices of more than two dimensions the first plane is kept.

    Raises:
        UsageError: one variable has no picture.
    """
    denoiser = source.denoiser
    if denoiser.lattice.volume == 1:
        raise UsageError("denoising shows fields; of one variable, plot cumulants or score")
    if draws > MOST:
        raise UsageError(f"denoising has room for {MOST} samples, not for {draws}")
    schedule = denoiser.schedule
    times = np.linspace(schedule.t_min, schedule.t_max, COLUMNS)[1:]
    instants = Instants.chosen(schedule, at, Instants.at_times(schedule, times.tolist()))
    fields = [_plane(phi.cpu().numpy()) for phi in backward(denoiser, source.noise(BACKWARD, 0, draws), instants)]
    t = np.append(instants.t.numpy()[::-1], schedule.t_min)
    return Strip(1 - (t - schedule.t_min) / (schedule.t_max - schedule.t_min), np.stack(fields))


def _plane(fields: Array) -> Array:
    """Cut out the first plane: (n, *extents) -> (n, rows, columns)."""
    if fields.ndim == 2:
        return fields[:, None]
    return fields.reshape(*fields.shape[:3], -1)[..., 0]
