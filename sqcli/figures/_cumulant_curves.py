"""Cumulants of the local field at given times: of noised data, of the model's reverse process, and exact.

κ₂(t) = κ₂(0) α² + scale² σ², κ_n(t) = κ_n(0) αⁿ for n > 2, with κ_n(0) of the theory where it knows them, else of the
ensemble. Fields are pooled over sites, odd moments taken as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sqcli import stats
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.errors import UsageError
from sqcli.figures._base import AtTimes
from sqcli.figures._model_source import BACKWARD, FORWARD, ModelSource
from sqcli.figures._reverse_process import Instants, backward, forward
from sqcli.observables.cumulants import cumulants

ORDERS = (2, 4, 6, 8)
DRAWS, SITES, FEWEST = 20000, 2**14, 64  # by default: as many draws as these sites hold, between the other two
TIMES = 12
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """Estimates and errors, (k, 4) each, at increasing times."""

    value: Array
    error: Array


@dataclass(frozen=True)
class Curves:
    """Cumulants at times t (k,): of noised data, of the model, and exact (k, 4), from where `origin` says."""

    t: Array
    forward: Points
    backward: Points
    exact: Array
    origin: str


def curves(source: ModelSource, at: AtTimes, draws: int | None) -> Curves:
    """Compute all curves, from `draws` configurations and samples.

    Raises:
        UsageError: neither an ensemble nor a theory that can be drawn from, or an ensemble whose draws have weights.
    """
    if source.opened is not None and source.opened.weighted:
        raise UsageError(f"{source.ensemble}: its draws have weights; give an ensemble without")
    schedule, volume = source.denoiser.schedule, source.denoiser.lattice.volume
    times = np.linspace(schedule.t_min, schedule.t_max, TIMES)
    instants = Instants.chosen(schedule, at, Instants.at_times(schedule, times.tolist()))
    draws = draws or min(DRAWS, max(FEWEST, SITES // volume))
    data = source.data(draws)
    start, origin = _start(source.denoiser, data)
    return Curves(
        instants.t.numpy(),
        forward_points(source, data, instants),
        backward_points(source, draws, instants),
        exact_curve(start, instants, source.denoiser.scale),
        origin,
    )


def _start(denoiser: Denoiser, data: Sequence[Array]) -> tuple[Array, str]:
    """κ_n(0) of the theory, or of the data."""
    known = denoiser.theory.exact(denoiser.lattice)
    names = [("cumulants", str(order)) for order in ORDERS]
    if all(name in known for name in names):
        return np.array([known[name] for name in names]), "exact"
    return cumulants(np.concatenate([moments(fields) for fields in data]).mean(0)), "from the ensemble"


def exact_curve(start: Array, instants: Instants, scale: float) -> Array:
    """Compute κ(t), (k, 4), from κ(0), (4,)."""
    alpha, level = instants.alpha.numpy()[:, None], instants.level.numpy()
    curve = start * alpha ** np.array(ORDERS)
    curve[:, 0] += (scale * alpha[:, 0] * level) ** 2
    return np.asarray(curve)


def moments(fields: Array) -> Array:
    """Average over sites φ², φ⁴, φ⁶, φ⁸: (n, *site) -> (n, 4)."""
    flat = fields.reshape(len(fields), -1)
    return np.stack([(flat**order).mean(1) for order in ORDERS], axis=1)


def forward_points(source: ModelSource, data: Sequence[Array], instants: Instants) -> Points:
    """Estimate cumulants of data (n_i, *site) per chain, with noise; errors know their autocorrelation."""
    denoiser, first = source.denoiser, 0
    chains: list[list[Array]] = [[] for _ in instants.t]  # of each instant
    for fields in data:
        phi = torch.from_numpy(fields).to(denoiser.device)
        noise = source.noise(FORWARD, first, len(phi))
        for found, noised in zip(reversed(chains), forward(denoiser, phi, noise, instants), strict=True):
            found.append(moments(noised.cpu().numpy()))
        first += len(phi)
    return _estimated(chains)


def backward_points(source: ModelSource, draws: int, instants: Instants) -> Points:
    """Estimate cumulants of the model's reverse process, draws of which are independent."""
    parts: list[list[Array]] = [[] for _ in instants.t]
    for first, count in source.parts(draws):
        batches = backward(source.denoiser, source.noise(BACKWARD, first, count), instants)
        for found, phi in zip(reversed(parts), batches, strict=False):  # the configurations at the end are not shown
            found.append(moments(phi.cpu().numpy()))
    return _estimated([[np.concatenate(found)] for found in parts])


def _estimated(chains: Sequence[Sequence[Array]]) -> Points:
    rows = [stats.estimate(list(of_time), cumulants) for of_time in chains]
    numbers = np.array([[(e.value, np.nan if e.error is None else e.error) for e in row] for row in rows])
    return Points(numbers[..., 0].real.astype(np.float64), numbers[..., 1].real.astype(np.float64))
