"""Updates of one link of U(N) or SU(N), given its staples, for any N.

Given all others, a link U has the weight e^{(β/N) Re tr UA}, A the sum of its staples. Multiplied from the left by g in
the SU(2) subgroup of two rows, it has the weight e^{(2β/N) k Re tr(gV)/2}, where k V with V in SU(2) is the quaternion
part of these rows and columns of UA (N. Cabibbo and E. Marinari, Phys. Lett. B 119, 387, 1982). Multiplied by a phase
it has the weight e^{(β/N) Re(e^{iα} tr UA)}. A reflection takes gV to V†, and the phase of tr UA to its inverse.
"""

import math

from sqcli.lattice.jit import jit
from sqcli.lattice.xoshiro import next_uniform
from sqcli.theories._link_draws import phase, quaternion
from sqcli.theories._matrices import copy, exponential, multiply, purified

TINY = 1e-150  # of a sum of staples: smaller ones have no direction


@jit(forceinline=True)
def normalised(link, i, n):
    """Bring a row to unit length."""
    square = 0.0
    for k in range(n):
        square += link[i, k].real ** 2 + link[i, k].imag ** 2
    scale = 1.0 / math.sqrt(square)
    for k in range(n):
        link[i, k] *= scale


@jit(forceinline=True)
def restored(link, n, special, work):
    """Bring a link back to the group, for SU(2) and SU(3) by its first rows, which give the last one."""
    if special and n == 2:
        normalised(link, 0, n)
        link[1, 0], link[1, 1] = -link[0, 1].conjugate(), link[0, 0].conjugate()
    elif special and n == 3:
        normalised(link, 0, n)
        overlap = 0j
        for k in range(n):
            overlap += link[0, k].conjugate() * link[1, k]
        for k in range(n):
            link[1, k] -= overlap * link[0, k]
        normalised(link, 1, n)
        link[2, 0] = (link[0, 1] * link[1, 2] - link[0, 2] * link[1, 1]).conjugate()
        link[2, 1] = (link[0, 2] * link[1, 0] - link[0, 0] * link[1, 2]).conjugate()
        link[2, 2] = (link[0, 0] * link[1, 1] - link[0, 1] * link[1, 0]).conjugate()
    else:
        purified(link, n, special, work)


@jit(forceinline=True)
def turned(m, i, j, n, g0, g1, g2, g3):
    """Multiply rows i and j by the quaternion g₀ + i g·σ from the left."""
    a, b = complex(g0, g3), complex(g2, g1)
    c, d = complex(-g2, g1), complex(g0, -g3)
    for k in range(n):
        upper, lower = m[i, k], m[j, k]
        m[i, k] = a * upper + b * lower
        m[j, k] = c * upper + d * lower


@jit(forceinline=True)
def subgroup(link, loop, i, j, n, strength, redrawn, s):
    """Draw, or reflect, a link and U A in the SU(2) of rows i, j; `strength` is β/N."""
    v0, v1 = 0.5 * (loop[i, i].real + loop[j, j].real), 0.5 * (loop[i, j].imag + loop[j, i].imag)
    v2, v3 = 0.5 * (loop[i, j].real - loop[j, i].real), 0.5 * (loop[i, i].imag - loop[j, j].imag)
    size = math.sqrt(v0 * v0 + v1 * v1 + v2 * v2 + v3 * v3)
    if size > TINY:
        v0, v1, v2, v3 = v0 / size, v1 / size, v2 / size, v3 / size
    else:
        v0, v1, v2, v3 = 1.0, 0.0, 0.0, 0.0
    h0, h1, h2, h3 = v0, -v1, -v2, -v3
    if redrawn:
        h0, h1, h2, h3 = quaternion(2.0 * strength * size, s)
    g0, g1 = h0 * v0 + h1 * v1 + h2 * v2 + h3 * v3, v0 * h1 - h0 * v1 + h2 * v3 - h3 * v2
    g2, g3 = v0 * h2 - h0 * v2 + h3 * v1 - h1 * v3, v0 * h3 - h0 * v3 + h1 * v2 - h2 * v1
    turned(link, i, j, n, g0, g1, g2, g3)
    turned(loop, i, j, n, g0, g1, g2, g3)


@jit(forceinline=True)
def centre(link, loop, n, strength, redrawn, s):
    """Draw, or reflect, the phase of a link."""
    trace = 0j
    for i in range(n):
        trace += loop[i, i]
    size = math.sqrt(trace.real**2 + trace.imag**2)
    v = complex(trace.real / size, -trace.imag / size) if size > TINY else complex(1.0, 0.0)
    h = v
    if redrawn:
        cosine, sine = phase(strength * size, s)
        h = complex(cosine, sine)
    for i in range(n):
        for j in range(n):
            link[i, j] *= h * v


@jit(forceinline=True)
def renewed(link, a, loop, n, special, strength, redrawn, s, work):
    """Draw, or reflect, a link with the staples `a`: in all its SU(2) subgroups, then its phase where it has one."""
    multiply(link, a, n, loop)
    for i in range(n):
        for j in range(i + 1, n):
            subgroup(link, loop, i, j, n, strength, redrawn, s)
    if not special:
        centre(link, loop, n, strength, redrawn, s)
    restored(link, n, special, work)
    return True


@jit(forceinline=True)
def drawn(link, a, loop, n, special, strength, width, s, work):  # noqa: ARG001 - called like `proposed`
    """Draw a link with the staples `a`."""
    return renewed(link, a, loop, n, special, strength, True, s, work)


@jit(forceinline=True)
def reflected(link, a, loop, n, special, strength, width, s, work):  # noqa: ARG001
    """Reflect a link with the staples `a`."""
    return renewed(link, a, loop, n, special, strength, False, s, work)


@jit(forceinline=True)
def generator(n, special, width, s, out):
    """Draw i width Σ_a v_a T_a with v uniform in [−1, 1), the T_a as in `GroupLinks.generators`."""
    for i in range(n):
        out[i, i] = 0j
        for j in range(i + 1, n):
            real, imaginary = width * (next_uniform(s) - 0.5), width * (next_uniform(s) - 0.5)
            out[i, j], out[j, i] = complex(real, imaginary), complex(-real, imaginary)
    for k in range(1, n if special else n + 1):  # (1, …, 1, −k, 0, …), and (1, …, 1) last
        norm = math.sqrt(2.0 * k * (k + 1)) if k < n else math.sqrt(2.0 * n)
        value = width * (2.0 * next_uniform(s) - 1.0) / norm
        for i in range(k):
            out[i, i] += complex(0.0, value)
        if k < n:
            out[k, k] -= complex(0.0, k * value)


@jit(forceinline=True)
def proposed(link, a, loop, n, special, strength, width, s, work):
    """Propose exp(i width Σ_a v_a T_a) U for a link with the staples `a`; tells whether it was accepted."""
    small, e = work[2], work[3]
    multiply(link, a, n, loop)
    generator(n, special, width, s, small)
    exponential(small, n, work, e)
    change = 0.0
    for i in range(n):
        for j in range(n):
            entry = e[i, j] - (1.0 if i == j else 0.0)
            change -= strength * (entry.real * loop[j, i].real - entry.imag * loop[j, i].imag)
    if not (change <= 0.0 or next_uniform(s) < math.exp(-change)):  # nor where it is not finite
        return False
    multiply(e, link, n, loop)
    copy(loop, n, link)
    restored(link, n, special, work)
    return True
