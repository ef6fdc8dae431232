"""Kernels of complex Langevin for one variable: −S′ and −S″ at a complex z, see `HolomorphicAction`."""

import cmath

from sqcli.lattice.jit import kernel
from sqcli.theories._base import HOLOMORPHIC


@kernel(HOLOMORPHIC)
def polynomial(z, neighbours, couplings, drift, slope):  # noqa: ARG001 - the signature of all theories
    """Compute those of S = c₂z² + c₄z⁴."""
    c2, c4 = complex(couplings[0], couplings[1]), complex(couplings[2], couplings[3])
    square = z[0] * z[0]
    drift[0] = -z[0] * (2.0 * c2 + 4.0 * c4 * square)
    slope[0] = -(2.0 * c2 + 12.0 * c4 * square)


@kernel(HOLOMORPHIC)
def cosine(z, neighbours, couplings, drift, slope):  # noqa: ARG001
    """Compute those of S = iβ cos z + ½ s z²."""
    beta, s = complex(couplings[0], couplings[1]), complex(couplings[2], couplings[3])
    drift[0] = 1j * beta * cmath.sin(z[0]) - s * z[0]
    slope[0] = 1j * beta * cmath.cos(z[0]) - s
