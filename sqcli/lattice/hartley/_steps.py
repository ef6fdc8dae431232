"""Steps of one-dimensional fast Hartley transforms of `width` sequences at once, in the lanes of vectors.

    H(k) = Σ_n x(n) cas(2πkn/N),   cas = cos + sin,   forward by decimation in frequency.

With m = N/4, θ = 2πn/N, C = x_n − x_{n+2m}, S = x_{n+m} − x_{n+3m}, T = x_n − x_{n+m} + x_{n+2m} − x_{n+3m} and a
prime for n → m − n, the modes k = 4k' + r are the transforms of length m of

    y₀(n) = x_n + x_{n+m} + x_{n+2m} + x_{n+3m}        y₁(n) = (C + C') cos θ  + (S' − S) sin θ
    y₂(n) = T cos 2θ + T' sin 2θ                       y₃(n) = (C − C') cos 3θ + (S + S') sin 3θ

and y_r(m − n) follows with (a, b) → (a sin − b cos): a reflection, its own inverse, so that the backward
transform runs the same steps in the opposite order. Modes come out in the order of the blocks; nothing is sorted.
R. N. Bracewell, Proc. IEEE 72 (1984) 1010.

Element n of the sequences lies at `start + n * step` of memory, that of the next sequence beside it.
"""

from typing import Any

from sqcli.lattice.hartley._short import SQRT2, forward4, load4_part, quarters, store4, unquarters
from sqcli.lattice.hartley._simd import WIDTH, load, spread, spread_at, spread_at_part, store
from sqcli.lattice.jit import jit
from sqcli.lattice.vectors import REGISTER

PER_PAIR = 6  # numbers in the table for one pair (n, m − n): cos and sin of θ, 2θ, 3θ


@jit
def _reflect(a: Any, b: Any, cos: Any, sin: Any) -> Any:
    return a * cos + b * sin, a * sin - b * cos


@jit
def _reflect_part(a: Any, b: Any, table: Any, at: int) -> Any:
    return _reflect(a, b, spread_at_part(table, at), spread_at_part(table, at + 1))


@jit
def _split_pair(
    source: Any, p: int, q: int, sm: int, target: Any, u: int, v: int, tm: int, width: int, table: Any, at: int
) -> None:
    for lane in range(0, width, REGISTER):
        a0, a1, a2, a3 = load4_part(source, p + lane, sm)
        b0, b1, b2, b3 = load4_part(source, q + lane, sm)
        total0, c0, alternating0, s0 = quarters(a0, a1, a2, a3)
        total1, c1, alternating1, s1 = quarters(b0, b1, b2, b3)
        y1, z1 = _reflect_part(c0 + c1, s1 - s0, table, at)
        y2, z2 = _reflect_part(alternating0, alternating1, table, at + 2)
        y3, z3 = _reflect_part(c0 - c1, s0 + s1, table, at + 4)
        store4(target, u + lane, tm, (total0, y1, y2, y3))
        store4(target, v + lane, tm, (total1, z1, z2, z3))


@jit
def split4(
    source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int, m: int, table: Any, at: int
) -> None:
    """Step forward by radix 4: a block of 4m elements of `source` becomes four blocks of m elements of `target`."""
    sm, tm = m * s_step, m * t_step
    for lane in range(0, width, REGISTER):
        store4(target, t + lane, tm, forward4(*load4_part(source, s + lane, sm)))
    for n in range(1, (m + 1) >> 1):
        p, q = n, m - n
        u, v = t + p * t_step, t + q * t_step
        _split_pair(source, s + p * s_step, s + q * s_step, sm, target, u, v, tm, width, table, at)
        at += PER_PAIR
    if m & 1 == 0:
        s, t, root = s + (m >> 1) * s_step, t + (m >> 1) * t_step, spread(SQRT2)
        for lane in range(0, width, REGISTER):
            total, c, alternating, d = quarters(*load4_part(source, s + lane, sm))
            store4(target, t + lane, tm, (total, c * root, alternating, d * root))


@jit
def _merge_pair(
    source: Any, p: int, q: int, sm: int, target: Any, u: int, v: int, tm: int, width: int, table: Any, at: int
) -> None:
    for lane in range(0, width, REGISTER):
        y0, y1, y2, y3 = load4_part(source, p + lane, sm)
        z0, z1, z2, z3 = load4_part(source, q + lane, sm)
        a, b = _reflect_part(y1, z1, table, at)
        alternating0, alternating1 = _reflect_part(y2, z2, table, at + 2)
        c, d = _reflect_part(y3, z3, table, at + 4)
        store4(target, u + lane, tm, unquarters(y0, a + c, alternating0, d - b))
        store4(target, v + lane, tm, unquarters(z0, a - c, alternating1, d + b))


@jit
def merge4(
    source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int, m: int, table: Any, at: int
) -> None:
    """Apply the transpose of `split4`: four blocks of m elements of `source` become one of 4m of `target`."""
    sm, tm = m * s_step, m * t_step
    for lane in range(0, width, REGISTER):
        store4(target, t + lane, tm, forward4(*load4_part(source, s + lane, sm)))
    for n in range(1, (m + 1) >> 1):
        p, q = n, m - n
        u, v = t + p * t_step, t + q * t_step
        _merge_pair(source, s + p * s_step, s + q * s_step, sm, target, u, v, tm, width, table, at)
        at += PER_PAIR
    if m & 1 == 0:
        s, t, root = s + (m >> 1) * s_step, t + (m >> 1) * t_step, spread(SQRT2)
        for lane in range(0, width, REGISTER):
            total, y1, alternating, y3 = load4_part(source, s + lane, sm)
            store4(target, t + lane, tm, unquarters(total, y1 * root, alternating, y3 * root))


@jit
def split2(work: Any, s: int, width: int, m: int, table: Any, at: int) -> None:
    """Step forward by radix 2: a block of 2m elements, m odd, becomes two in the same memory."""
    half = m * width
    for first in range(s, s + width, WIDTH):
        pair = at
        a, b = load(work, first), load(work, first + half)
        store(work, first, a + b)
        store(work, first + half, a - b)
        for n in range(1, (m + 1) // 2):
            p, q = first + n * width, first + (m - n) * width
            a, b, c, d = load(work, p), load(work, p + half), load(work, q), load(work, q + half)
            store(work, p, a + b)
            store(work, q, c + d)
            y0, y1 = _reflect(a - b, c - d, spread_at(table, pair), spread_at(table, pair + 1))
            store(work, p + half, y0)
            store(work, q + half, y1)
            pair += 2


@jit
def merge2(work: Any, s: int, width: int, m: int, table: Any, at: int) -> None:
    """Apply the transpose of `split2`."""
    half = m * width
    for first in range(s, s + width, WIDTH):
        pair = at
        a, b = load(work, first), load(work, first + half)
        store(work, first, a + b)
        store(work, first + half, a - b)
        for n in range(1, (m + 1) // 2):
            p, q = first + n * width, first + (m - n) * width
            a, b = load(work, p), load(work, q)
            c, d = _reflect(
                load(work, p + half), load(work, q + half), spread_at(table, pair), spread_at(table, pair + 1)
            )
            store(work, p, a + c)
            store(work, p + half, a - c)
            store(work, q, b + d)
            store(work, q + half, b - d)
            pair += 2
