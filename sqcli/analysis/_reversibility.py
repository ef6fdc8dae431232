"""Reversibility: molecular dynamics forward and, with the momenta turned round, back again.

The end must be the beginning up to rounding. Detailed balance of HMC rests on it (Duane et al., 1987).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import parameters as params
from sqcli import registry
from sqcli.analysis.ensemble import MeasuredEnsemble
from sqcli.lattice.halo import pack, unpack
from sqcli.lattice.manifold import computing_dtype
from sqcli.mcmc import MolecularDynamics, System

ROUNDINGS = 1e4  # what a stable trajectory may gather, in units of the last place of the largest field
UNSTABLE = 1e3  # growth beyond which a trajectory runs away and amplifies rounding: nothing to be said
MOST_ALLOWED = 0.01  # of the field: where rounding may gather more, an irreversible integrator could hide
LONGEST = 1.0  # molecular dynamics time


def deviation(opened: MeasuredEnsemble) -> tuple[float, float] | None:
    """Largest |Δφ| after there and back from the last draw of the first chain, and what rounding allows.

    Integrator and step are the run's, with unit masses. None for algorithms without trajectories, and for a step so
    large that the trajectory runs away.
    """
    attrs = opened.ensemble.attrs
    name = str(attrs.get("algorithm"))
    if name not in registry.names("mcmc") or "step_size" not in opened.ensemble.stat_names:
        return None
    cls: type[Any] = registry.load("mcmc", name)
    algorithm = params.build(cls, attrs.get("algorithm_parameters", {}), f"algorithm {name}")
    if not isinstance(algorithm, MolecularDynamics):
        return None
    chain = int(np.flatnonzero(opened.ensemble.draws)[0])
    last = opened.ensemble.committed(chain)
    field = opened.ensemble.fields(chain, last - 1, last)[0]
    step = min(float(opened.ensemble.stat("step_size")[chain][-1]), LONGEST / algorithm.n_steps)
    kicks, drifts, final = algorithm.kicks_and_drifts
    kicks, drifts = np.append(kicks, final), np.append(drifts, 0.0)
    system = System(opened.theory.loaded, opened.lattice, computing_dtype(str(field.dtype)))
    return there_and_back(system, field, kicks * step, drifts * step)


def there_and_back(
    system: System, field: NDArray[Any], kicks: NDArray[np.float64], drifts: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Follow one trajectory with Gaussian momenta from `field`, (*site), and back: max |Δφ| and its bound.

    The bound grows as two trajectories from neighbouring fields part: a large step amplifies rounding.
    """
    manifold = system.theory.manifold
    start = np.random.default_rng(1).standard_normal(manifold.tangent(system.lattice))
    there, momentum = _flow(system, field, start, kicks, drifts)
    size = max(1.0, float(np.abs(field).max()))
    if not np.abs(there).max() < UNSTABLE * size:
        return None
    back, _ = _flow(system, there, -momentum, kicks, drifts)
    nudge = float(np.finfo(field.dtype).eps) ** 0.5 * size
    nudged = manifold.move(field[None], np.full((1, *start.shape), nudge))[0].astype(field.dtype)
    beside, _ = _flow(system, nudged, start, kicks, drifts)
    growth = max(1.0, manifold.distance(beside, there) / nudge)
    allowed = ROUNDINGS * float(np.finfo(field.dtype).eps) * size * growth
    return (manifold.distance(back, field), allowed) if allowed < MOST_ALLOWED * size else None


def _flow(
    system: System, field: NDArray[Any], momentum: NDArray[Any], kicks: NDArray[np.float64], drifts: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Field and momentum at the end of a trajectory."""
    lattice = system.lattice
    momenta = lattice.geometry(system.momenta)
    start, p, a, b = system.buffers(4)
    pack(system.sites(field), start, system.geometry)
    pack(momentum.astype(system.dtype).reshape(-1), p, momenta)
    end = system.theory.flow(system.dtype)(start, a, b, p, system.geometry, system.couplings, kicks, drifts, 1.0)
    moved, kicked = np.empty(system.size, system.dtype), np.empty(momentum.size, system.dtype)
    unpack(a if end == 1 else b, moved, system.geometry)
    unpack(p, kicked, momenta)
    return system.field(moved), kicked.reshape(momentum.shape)
