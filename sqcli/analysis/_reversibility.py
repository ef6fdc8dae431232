"""Reversibility: molecular dynamics forward and, with the momenta turned round, back again.

The end must be the beginning up to rounding. Detailed balance of HMC rests on it (Duane et al., 1987).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import registry
from sqcli.analysis.ensemble import MeasuredEnsemble
from sqcli.lattice.halo import pack, unpack
from sqcli.lattice.manifold import computing_dtype
from sqcli.mcmc import Member, MolecularDynamics, Splitting, System, dynamics

ROUNDINGS = 1e4  # what a stable trajectory may gather, in units of the last place of the largest field
UNSTABLE = 1e3  # growth beyond which a trajectory runs away and amplifies rounding: nothing to be said
MOST_ALLOWED = 0.01  # of the field: where rounding may gather more, an irreversible integrator could hide
LONGEST = 1.0  # molecular dynamics time


def deviation(opened: MeasuredEnsemble) -> tuple[float, float] | None:
    """Largest |Δφ| after there and back from the last draw of the first chain, and what rounding allows.

    Integrator and step are the run's, with unit masses. None for algorithms without trajectories, and for a step so
    large that the trajectory runs away.
    """
    found = _dynamics(opened)
    if found is None:
        return None
    algorithm, statistic = found
    chain = int(np.flatnonzero(opened.ensemble.draws)[0])
    last = opened.ensemble.committed(chain)
    field = opened.ensemble.fields(chain, last - 1, last)[0]
    step = min(float(opened.ensemble.stat(statistic)[chain][-1]), LONGEST / algorithm.n_steps)
    system = System(opened.theory.loaded, opened.lattice, computing_dtype(str(field.dtype)))
    return there_and_back(system, field, algorithm.kicks_and_drifts, step)


def _dynamics(opened: MeasuredEnsemble) -> tuple[MolecularDynamics, str] | None:
    """Molecular dynamics of the run, alone or among the updates of a composite, and the statistic of its step."""
    attrs = opened.ensemble.attrs
    name = str(attrs.get("algorithm"))
    if name not in registry.names("mcmc"):
        return None
    whole = Member.build(name, 1, attrs.get("algorithm_parameters", {}))
    for member in (whole, *getattr(whole.algorithm, "members", ())):
        kept = {"step_size", f"{member.name}_step_size"}.intersection(opened.ensemble.stat_names)
        if kept and isinstance(member.algorithm, MolecularDynamics):
            return member.algorithm, max(kept)
    return None


def there_and_back(
    system: System, field: NDArray[Any], splitting: Splitting, step: float
) -> tuple[float, float] | None:
    """Follow one trajectory with Gaussian momenta from `field`, (*site), and back: max |Δφ| and its bound.

    The bound grows as two trajectories from neighbouring fields part: a large step amplifies rounding.
    """
    manifold = system.theory.manifold
    start = np.random.default_rng(1).standard_normal(manifold.tangent(system.lattice))
    there, momentum = follow(system, field, start, splitting, step)
    size = max(1.0, float(np.abs(field).max()))
    if not np.abs(there).max() < UNSTABLE * size:
        return None
    back, _ = follow(system, there, -momentum, splitting, step)
    nudge = float(np.finfo(field.dtype).eps) ** 0.5 * size
    nudged = manifold.move(field[None], np.full((1, *start.shape), nudge))[0].astype(field.dtype)
    beside, _ = follow(system, nudged, start, splitting, step)
    growth = max(1.0, manifold.distance(beside, there) / nudge)
    allowed = ROUNDINGS * float(np.finfo(field.dtype).eps) * size * growth
    return (manifold.distance(back, field), allowed) if allowed < MOST_ALLOWED * size else None


def follow(
    system: System, field: NDArray[Any], momentum: NDArray[Any], splitting: Splitting, step: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Follow one trajectory from `field`, (*site), with `momentum`, (*tangent), to the two at its end."""
    theory, buffers, momenta = system.theory, system.buffers(4), system.lattice.geometry(system.momenta)
    pack(system.sites(field), buffers[0], system.geometry)
    pack(momentum.astype(system.dtype).reshape(-1), buffers[3], momenta)
    end = dynamics(system.dtype)(
        theory.flow(system.dtype), theory.finish(system.dtype), buffers, system.geometry, system.couplings,
        *splitting, step,
    )  # fmt: skip
    moved, kicked = np.empty(system.size, system.dtype), np.empty(momentum.size, system.dtype)
    unpack(buffers[end], moved, system.geometry)
    unpack(buffers[3], kicked, momenta)
    return system.field(moved), kicked.reshape(momentum.shape)
