"""Random elements of U(1) and SU(2) with a density e^{κ cos}, the conditional distributions of links and subgroups.

Every loop runs until it accepts, so that the distributions are exact for any κ: positive, zero or negative. Angles come
as points of a disc or a circle, without trigonometric functions (G. Marsaglia, Ann. Math. Stat. 43, 645, 1972).
"""

import math

from sqcli.lattice.jit import jit
from sqcli.lattice.xoshiro import next_uniform

STRONG = 0.86  # |κ| below which proposals by Haar's measure are accepted more often than those of Kennedy and Pendleton


@jit(forceinline=True)
def disc_point(s):
    """Draw a point of the unit disc without its centre: x, y and x² + y²."""
    while True:
        x, y = 2.0 * next_uniform(s) - 1.0, 2.0 * next_uniform(s) - 1.0
        square = x * x + y * y
        if 0.0 < square < 1.0:
            return x, y, square


@jit(forceinline=True)
def phase(kappa, s):
    """Draw e^{iα} with the density e^{κ cos α}: real and imaginary part.

    A wrapped Cauchy distribution, a uniform phase z taken to (z + ρ)/(1 + ρz), is accepted or rejected (D. J. Best and
    N. I. Fisher, Appl. Stat. 28, 152, 1979); their formulas are rearranged so that κ = 0 is nothing special.
    """
    size = abs(kappa)
    tau = 1.0 + math.sqrt(1.0 + 4.0 * size * size)
    twice = tau + math.sqrt(2.0 * tau)
    rho = 2.0 * size / twice
    while True:
        x, y, square = disc_point(s)
        norm = 1.0 / math.sqrt(square)
        x, y = x * norm, y * norm
        scale = 1.0 / (1.0 + rho * rho + 2.0 * rho * x)
        cosine, sine = (2.0 * rho + (1.0 + rho * rho) * x) * scale, (1.0 - rho * rho) * y * scale
        c = 0.25 * twice * (1.0 + rho * rho) - size * cosine
        if not 1.0 - next_uniform(s) > c * math.exp(1.0 - c):  # ends for NaN as well
            return (cosine, sine) if kappa >= 0.0 else (-cosine, -sine)


@jit(forceinline=True)
def quaternion(kappa, s):
    """Draw a unit quaternion (h₀, h) = h₀ + i h·σ in SU(2) with the density e^{κ h₀}.

    Kennedy and Pendleton (Phys. Lett. B 156, 393, 1985): λ² = (1 − h₀)/2 of a Γ distribution is accepted with √(1−λ²).
    At small |κ|, where this happens too rarely, quaternions of Haar's measure are accepted with e^{κ h₀ − |κ|}.
    """
    size = abs(kappa)
    while size < STRONG:
        x, y, square = disc_point(s)
        u, v, other = disc_point(s)
        if 1.0 - next_uniform(s) <= math.exp(kappa * x - size):
            scale = math.sqrt((1.0 - square) / other)
            return x, y, u * scale, v * scale
    while True:
        x, _, square = disc_point(s)
        half = -(math.log(1.0 - next_uniform(s)) + x * x / square * math.log(square)) / (2.0 * size)
        if not next_uniform(s) ** 2 > 1.0 - half:
            break
    x, y, square = disc_point(s)
    radius = 2.0 * math.sqrt(half * (1.0 - half))
    flat = 2.0 * radius * math.sqrt(1.0 - square)
    h0 = 1.0 - 2.0 * half
    return (h0 if kappa > 0.0 else -h0), x * flat, y * flat, radius * (1.0 - 2.0 * square)
