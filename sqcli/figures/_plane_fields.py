"""Score of a model and drift of complex Langevin on a grid of the plane, their curls, and densities.

The model's log density is the integral of its score along rays from 0, ∫₀¹ dt z·s(tz), exact where s is a gradient.
Known densities are those of complex Langevin with real noise and no kernel.
"""

import contextlib
import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sqcli.analysis import fokker_planck
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.pairs import Pairs
from sqcli.diffusion.samplers.ode import ProbabilityFlow
from sqcli.errors import UsageError
from sqcli.figures._base import AtTimes
from sqcli.figures._model_source import BACKWARD, ModelSource, configurations
from sqcli.figures._reverse_process import Instants
from sqcli.lattice.philox import Stream

POINTS = 81  # of the grid in each direction
REACH = 3.0  # standard deviations shown on either side
LEVEL = 0.05  # noise of the score, of pairs of width 1
NODES = 24  # of the integrals along rays
MOST_DATA = 1_000_000
STEP = 1e-5  # of differences
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """Grid of real and imaginary parts, (POINTS,) each."""

    x: Array
    y: Array

    @property
    def z(self) -> NDArray[np.complex128]:
        """Points of the grid, (POINTS, POINTS)."""
        return np.asarray(self.x[:, None] + 1j * self.y)


@dataclass(frozen=True)
class Compared:
    """Fields on the grid, vectors as complex numbers; draws z of the model and of the ensemble, if there is one.

    Attributes:
        score_slope: root of the sum of squares of the four derivatives of the score, and likewise of the drift.
        log_density: the model's log P on the grid, up to a constant.
        log_known: that of the Fokker–Planck equation where it is solved, at least e^{−60} of its largest.
        known: y, and the marginal distribution of Im z by that equation.
    """

    level: float
    plane: Plane
    score: NDArray[np.complex128]
    score_curl: Array
    score_slope: Array
    drift: NDArray[np.complex128]
    drift_curl: Array
    drift_slope: Array
    log_density: Array
    drawn: NDArray[np.complex128]
    data: NDArray[np.complex128] | None
    log_known: Array | None
    known: tuple[Array, Array] | None

    def lines(self) -> list[str]:
        """Say root mean squares of the curls and of all derivatives, over the model's density on the grid."""
        weight = np.exp(self.log_density - self.log_density.max())
        weight /= weight.sum()

        def size(values: NDArray[Any]) -> float:
            return float(np.sqrt((weight * np.abs(values) ** 2).sum()))

        pairs = ((self.score_curl, self.score_slope), (self.drift_curl, self.drift_slope))
        score, drift = (f"curl {size(curl):.3g}, derivatives {size(slope):.3g}" for curl, slope in pairs)
        score, drift = f"score at the noise level {self.level:.3g}: {score}", f"drift of complex Langevin: {drift}"
        return [score, drift, f"<z^2> of {len(self.drawn)} draws: {(self.drawn**2).mean():.4g}"]


def compared(source: ModelSource, at: AtTimes, draws: int) -> Compared:
    """Compute all of it.

    Raises:
        UsageError: the model is not of a complex variable, or more than one level is asked for.
    """
    process = source.process
    if not isinstance(process, Pairs):
        raise UsageError("vector_field is a plot of models of one complex variable")
    instants = Instants.chosen(process.schedule, at, Instants.at_levels(process.schedule, [LEVEL]))
    if len(instants.t) > 1:
        raise UsageError("vector_field shows one level; give one of --times or --levels")
    level, theory = instants.level[0].to(process.device), process.theory
    drawn = _draws(source, process, draws)
    exact = replace(process, net=copy.deepcopy(process.net).double())
    width_x, width_y = process.statistics.root.norm(dim=1).tolist()
    plane = Plane(*(np.linspace(-REACH * width, REACH * width, POINTS) for width in (width_x, width_y)))
    score, curl, slope = _score(exact, plane, level)
    drift, along = _drift(process, plane.z), _drift_along(process, plane.z)
    known = _known(theory)
    table = None if known is None else known.density_at(plane.x[:, None], plane.y)
    return Compared(
        level=float(level), plane=plane, score=score, score_curl=curl, score_slope=slope,
        drift=drift, drift_curl=2 * along.imag, drift_slope=np.sqrt(2) * np.abs(along),
        log_density=_log_density(exact, plane, level), drawn=drawn,
        data=None if source.opened is None else np.concatenate(configurations(source.opened, MOST_DATA)).reshape(-1),
        log_known=None if table is None else np.log(np.maximum(table / table.max(), np.exp(-60.0))),
        known=None if known is None else (known.y, known.marginals()[1]),
    )  # fmt: skip


def _drift(process: Pairs, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Drift −S′ of complex Langevin at points of any shape."""
    return np.asarray(process.theory.drift(z.reshape(-1, 1), process.lattice)).reshape(z.shape)


def _drift_along(process: Pairs, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Derivative K′ of a holomorphic drift K, by differences; the curl of (Re K, Im K) is 2 Im K′."""
    return np.asarray((_drift(process, z + STEP) - _drift(process, z - STEP)) / (2 * STEP))


def _draws(source: ModelSource, process: Pairs, count: int) -> NDArray[np.complex128]:
    """Draw z by the probability flow, (count,)."""
    tangent = process.theory.manifold.tangent(process.lattice)
    noise = Noise(Stream(source.seed, BACKWARD), range(count), tangent, str(process.device))
    fields = ProbabilityFlow(precision="model").draw(process, noise).fields
    return np.asarray(fields.cpu().numpy()).reshape(-1)


def _pairs(process: Pairs, plane: Plane) -> Tensor:
    """Whitened pairs of the points of the grid, (n, 2, 1)."""
    return process.from_field(torch.from_numpy(plane.z.reshape(-1, 1)).to(process.device))


def _score(process: Pairs, plane: Plane, level: Tensor) -> tuple[NDArray[np.complex128], Array, Array]:
    """Score s_x + i s_y, its curl ∂_x s_y − ∂_y s_x, and the size of its derivatives, on the grid."""
    y = _pairs(process, plane).requires_grad_()
    found = process.field_score(process.score(y, level, None))
    slopes = [process.field_score(torch.autograd.grad(found[:, a].sum(), y, retain_graph=True)[0]) for a in range(2)]
    score, curl = torch.complex(found[:, 0], found[:, 1]), slopes[1][:, 0] - slopes[0][:, 1]
    slope = torch.stack(slopes, 1).flatten(1).norm(dim=1)
    first, second, third = (part.detach().cpu().numpy().reshape(plane.z.shape) for part in (score, curl, slope))
    return first, second, third


@torch.no_grad()
def _log_density(process: Pairs, plane: Plane, level: Tensor) -> Array:
    """Integrate the score along rays by Gauss–Legendre nodes; up to a constant."""
    y = _pairs(process, plane)
    total = torch.zeros(len(y), dtype=y.dtype, device=y.device)
    for node, weight in zip(*np.polynomial.legendre.leggauss(NODES), strict=True):
        part = (1 + float(node)) / 2
        total += float(weight) / 2 * (process.score(part * y, level, None) * y).flatten(1).sum(1)
    return np.asarray(total.cpu().numpy().reshape(plane.z.shape))


def _known(theory: Any) -> fokker_planck.Stationary | None:
    """Solve the Fokker–Planck equation where that can be done."""
    for solve in (fokker_planck.gaussian, fokker_planck.hermite):
        with contextlib.suppress(UsageError):
            return solve(theory)
    return None
