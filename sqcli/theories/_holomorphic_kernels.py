"""Kernels of complex Langevin: first and second derivatives of −S at complex fields, see `HolomorphicAction`."""

import cmath

from sqcli.lattice.jit import kernel
from sqcli.theories._base import HOLOMORPHIC


@kernel(HOLOMORPHIC)
def polynomial(z, neighbours, couplings, drift, slope):  # noqa: ARG001 - the signature of all theories
    """Compute those of one variable, S = c₂z² + c₄z⁴."""
    c2, c4 = complex(couplings[0], couplings[1]), complex(couplings[2], couplings[3])
    square = z[0] * z[0]
    drift[0] = -z[0] * (2.0 * c2 + 4.0 * c4 * square)
    slope[0] = -(2.0 * c2 + 12.0 * c4 * square)


@kernel(HOLOMORPHIC)
def cosine(z, neighbours, couplings, drift, slope):  # noqa: ARG001
    """Compute those of one variable, S = iβ cos z + ½ s z²."""
    beta, s = complex(couplings[0], couplings[1]), complex(couplings[2], couplings[3])
    drift[0] = 1j * beta * cmath.sin(z[0]) - s * z[0]
    slope[0] = 1j * beta * cmath.cos(z[0]) - s


@kernel(HOLOMORPHIC)
def scalar(z, neighbours, couplings, drift, slope):
    """Compute those of S = Σ_x [ −J Σ_μ φ(x)φ(x+μ̂) + c₂ φ(x)² + c₄ φ(x)⁴ ]; couplings J, c₂, c₄, ∂²S/∂φ² at 0."""
    j, c2 = complex(couplings[0], couplings[1]), complex(couplings[2], couplings[3])
    c4, stiffness = complex(couplings[4], couplings[5]), complex(couplings[6], couplings[7])
    ways = neighbours.size // z.size
    for i in range(z.size):
        near, square = 0j, z[i] * z[i]
        for k in range(i * ways, (i + 1) * ways):
            near += z[neighbours[k]]
        drift[i] = j * near - z[i] * (2.0 * c2 + 4.0 * c4 * square)
        slope[i] = -(stiffness + 12.0 * c4 * square)


@kernel(HOLOMORPHIC)
def complex_scalar(z, neighbours, couplings, drift, slope):
    """Compute those of a complex scalar at chemical potential μ, φ₁ on all sites and then φ₂.

    The couplings are 2d + m², λ, cosh μ, sinh μ, and −∂²/∂φ² of the hopping along axes of one site.
    """
    even, lam, cosh, sinh, own = couplings[0], couplings[1], couplings[2], couplings[3], couplings[4]
    volume = z.size // 2
    ways = neighbours.size // volume
    for i in range(volume):
        first, last = i * ways, (i + 1) * ways - 2
        near_1, near_2 = 0j, 0j
        for k in range(first, last):
            j = neighbours[k]
            near_1 += z[j]
            near_2 += z[volume + j]
        after, before = neighbours[last], neighbours[last + 1]
        near_1 += cosh * (z[after] + z[before])
        near_2 += cosh * (z[volume + after] + z[volume + before])
        turned_1 = sinh * (z[volume + after] - z[volume + before])
        turned_2 = sinh * (z[after] - z[before])
        one, two = z[i], z[volume + i]
        square = one * one + two * two
        drift[i] = near_1 + complex(turned_1.imag, -turned_1.real) - one * (even + lam * square)
        drift[volume + i] = near_2 + complex(-turned_2.imag, turned_2.real) - two * (even + lam * square)
        slope[i] = own - even - lam * (square + 2.0 * one * one)
        slope[volume + i] = own - even - lam * (square + 2.0 * two * two)
