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
from sqcli.theories._u1_kernels import TURN, sine

ONE, TWO = np.uint64(1), np.uint64(2)
H = np.uint64(HEADER)


@jit(inline="always")
def wrapped(angle):
    """Bring an angle into (−π, π]."""
    return angle - TURN * math.ceil(angle * (1.0 / TURN) - 0.5)


@jit
def points(f):
    """Compute cos θ and sin θ of all links."""
    x, y = np.empty(f.size), np.empty(f.size)
    for i in range(f.size):
        x[i], y[i] = sine(float(f[i]) + 0.5 * math.pi), sine(float(f[i]))
    return x, y


@jit(inline="always")
def staple(x, y, forth, across, back):
    """Multiply e^{iθ} of a link by the inverses of two others."""
    real, imaginary = x[across] * x[back] - y[across] * y[back], x[across] * y[back] + y[across] * x[back]
    return x[forth] * real + y[forth] * imaginary, y[forth] * real - x[forth] * imaginary


@jit(inline="always")
def surroundings(x, y, mu, site, neighbours, dimension, volume):
    """Sum e^{iα} over the plaquettes θ_μ + α at a link: R cos φ and R sin φ."""
    real, imaginary, row, m = 0.0, 0.0, TWO * dimension * site, mu * volume
    ahead = np.uint64(neighbours[row + TWO * mu])
    for nu in range(dimension):
        if nu == mu:
            continue
        n, above, below = (
            nu * volume,
            np.uint64(neighbours[row + TWO * nu]),
            np.uint64(neighbours[row + TWO * nu + ONE]),
        )
        aside = np.uint64(neighbours[TWO * dimension * below + TWO * mu])
        a, b = staple(x, y, n + ahead, m + above, n + site)
        c, d = staple(x, y, n + below, m + below, n + aside)
        real, imaginary = real + a + c, imaginary + b + d
    return real, imaginary


@kernel(SWEEP)
def redraw(f, geometry, neighbours, couplings, update, key):
    """Draw every link from its distribution given all others: see `ConditionalDraws`."""
    dimension, volume, s = geometry[0], geometry[3], seeded(update, LINK, key)
    x, y = points(f)
    for mu in range(dimension):
        for site in range(volume):
            real, imaginary = surroundings(x, y, mu, site, neighbours, dimension, volume)
            size = math.sqrt(real * real + imaginary * imaginary)
            cosine, sine_ = phase(couplings[0] * size, s)
            if size > 0.0:
                cosine, sine_ = (
                    (cosine * real + sine_ * imaginary) / size, (sine_ * real - cosine * imaginary) / size
                )  # fmt: skip
            i = mu * volume + site
            x[i], y[i], f[i] = cosine, sine_, math.atan2(sine_, cosine)
    return 1.0


@kernel(SWEEP)
def reflect(f, geometry, neighbours, couplings, update, key):  # noqa: ARG001 - it needs no random numbers
    """Take every link to the other angle of the same action: see `Reflections`."""
    dimension, volume = geometry[0], geometry[3]
    x, y = points(f)
    for mu in range(dimension):
        for site in range(volume):
            real, imaginary = surroundings(x, y, mu, site, neighbours, dimension, volume)
            square, i = real * real + imaginary * imaginary, mu * volume + site
            if square > 0.0:
                double, twice = (real * real - imaginary * imaginary) / square, 2.0 * real * imaginary / square
                x[i], y[i] = x[i] * double - y[i] * twice, -x[i] * twice - y[i] * double
                f[i] = math.atan2(y[i], x[i])
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
