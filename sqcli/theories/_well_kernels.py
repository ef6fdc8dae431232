"""Kernels of one variable with S = c₂x² − w f(qx), f(u) = cos u or log cosh u.

The couplings are (c₂, w, q, kind): kind 0 is the cosine, kind 1 the logarithm. The variable is the only site of a
one-dimensional lattice; its ghosts are never read.
"""

import math

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.jit import jit, kernel
from sqcli.theories._base import FINISH, FLOW, LOCAL

FIRST = np.uint64(HEADER + 2)  # index, in the geometry table, of the site's offset
LOG_2 = math.log(2.0)


@jit
def energy(x, couplings):
    """Compute S(x)."""
    u = couplings[2] * x
    if couplings[3] == 0.0:
        return couplings[0] * x * x - couplings[1] * math.cos(u)
    return couplings[0] * x * x - couplings[1] * (abs(u) + math.log1p(math.exp(-2.0 * abs(u))) - LOG_2)


@jit
def force(x, couplings):
    """Compute S′(x)."""
    u = couplings[2] * x
    inner = -math.sin(u) if couplings[3] == 0.0 else math.tanh(u)
    return 2.0 * couplings[0] * x - couplings[1] * couplings[2] * inner


@kernel(FLOW)
def flow(start, a, b, p, geometry, couplings, kicks, drifts, step):
    """Run molecular dynamics, alternating kicks and drifts: see `Theory.flow`."""
    site = geometry[FIRST]
    x, momentum = float(start[site]), float(p[site])
    for i in range(kicks.size):
        momentum -= step * kicks[i] * force(x, couplings)
        x += step * drifts[i] * momentum
    p[site], a[site], b[site] = momentum, x, x
    return 1 if kicks.size % 2 == 1 else 2


@kernel(FINISH)
def finish(f, p, geometry, couplings, kick, energies):
    """Kick for the last time and compute the energies: see `Theory.finish`."""
    site = geometry[FIRST]
    x = float(f[site])
    momentum = float(p[site]) - kick * force(x, couplings)
    p[site] = momentum
    energies[0], energies[1] = energy(x, couplings), 0.5 * momentum * momentum


@kernel(LOCAL)
def local_change(f, i, proposal, neighbours, couplings):  # noqa: ARG001 - the signature of all theories
    """Compute S(proposal) − S(x)."""
    return energy(float(proposal), couplings) - energy(float(f[i]), couplings)
