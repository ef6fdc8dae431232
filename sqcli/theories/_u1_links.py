"""Updates of single U(1) links, with the plaquettes at a link taken together: Σ cos θ_□ = R cos(θ + φ).

Heat bath: θ + φ from the von Mises law e^{βR cos}; reflection: θ → −θ − 2φ, which keeps the action (Creutz, Phys. Rev.
D 36, 515, 1987). In two dimensions a move to a neighbouring sector turns the links such that every plaquette turns by
2π/V, the last one by 2π/V − 2π; Metropolis decides (Dürr, 1203.2560).
"""

import math

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.jit import jit, kernel
from sqcli.lattice.philox import LINK, SECTOR
from sqcli.lattice.xoshiro import next_uniform, seeded
from sqcli.theories._base import SWEEP
from sqcli.theories._link_draws import phase

ONE, TWO = np.uint64(1), np.uint64(2)
H = np.uint64(HEADER)
TURN = 2 * math.pi


@jit(inline="always")
def wrapped(angle):
    """Bring an angle into (−π, π]."""
    return angle - TURN * math.ceil(angle * (1.0 / TURN) - 0.5)


@jit
def surroundings(f, mu, x, neighbours, dimension, volume):
    """Sum e^{iα} over the plaquettes θ_μ(x) + α at a link: real and imaginary part, R cos φ and R sin φ."""
    real, imaginary, directions = 0.0, 0.0, TWO * dimension
    for nu in range(dimension):
        if nu == mu:
            continue
        ahead = np.uint64(neighbours[x * directions + TWO * mu])
        above = np.uint64(neighbours[x * directions + TWO * nu])
        below = np.uint64(neighbours[x * directions + TWO * nu + ONE])
        aside = np.uint64(neighbours[below * directions + TWO * mu])
        m, n = mu * volume, nu * volume
        upper = float(f[n + ahead]) - float(f[m + above]) - float(f[n + x])
        lower = float(f[n + below]) - float(f[m + below]) - float(f[n + aside])
        real += math.cos(upper) + math.cos(lower)
        imaginary += math.sin(upper) + math.sin(lower)
    return real, imaginary


@kernel(SWEEP)
def redraw(f, geometry, neighbours, couplings, update, key):
    """Draw every link from its distribution given all others: see `ConditionalDraws`."""
    dimension, volume, s = geometry[0], geometry[3], seeded(update, LINK, key)
    for mu in range(dimension):
        for x in range(volume):
            real, imaginary = surroundings(f, mu, x, neighbours, dimension, volume)
            cosine, sine = phase(couplings[0] * math.sqrt(real * real + imaginary * imaginary), s)
            f[mu * volume + x] = wrapped(math.atan2(sine, cosine) - math.atan2(imaginary, real))
    return 1.0


@kernel(SWEEP)
def reflect(f, geometry, neighbours, couplings, update, key):  # noqa: ARG001 - it needs no random numbers
    """Take every link to the other angle of the same action: see `Reflections`."""
    dimension, volume = geometry[0], geometry[3]
    for mu in range(dimension):
        for x in range(volume):
            real, imaginary = surroundings(f, mu, x, neighbours, dimension, volume)
            f[mu * volume + x] = wrapped(-float(f[mu * volume + x]) - 2.0 * math.atan2(imaginary, real))
    return 1.0


@kernel(SWEEP)
def change_sector(f, geometry, neighbours, couplings, update, key):
    """Propose Q ± 1 in two dimensions: see `SectorMoves`.

    Links along the first axis turn by −δy, δ = ±2π/V, and those along the second by δLx where y is last.
    """
    volume, width, height, s = geometry[3], geometry[H], geometry[H + ONE], seeded(update, SECTOR, key)
    delta = (TURN if next_uniform(s) < 0.5 else -TURN) / float(volume)
    change = 0.0
    for x in range(volume):
        right, above = np.uint64(neighbours[TWO * TWO * x]), np.uint64(neighbours[TWO * TWO * x + TWO])
        angle = float(f[x]) + float(f[volume + right]) - float(f[above]) - float(f[volume + x])
        change += math.cos(angle) - math.cos(angle + delta)
    if not next_uniform(s) < math.exp(-couplings[0] * change):
        return 0.0
    for x in range(width):
        for y in range(height):
            at = x * height + y
            f[at] = wrapped(float(f[at]) - delta * float(y))
        last = volume + x * height + height - ONE
        f[last] = wrapped(float(f[last]) + delta * float(height) * float(x))
    return 1.0
