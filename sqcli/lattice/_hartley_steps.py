"""One-dimensional fast Hartley transforms of eight sequences at once, in the lanes of vectors.

    H(k) = Σ_n x(n) cas(2πkn/N),   cas = cos + sin,   forward by decimation in frequency.

With m = N/4, θ = 2πn/N, C = x_n − x_{n+2m}, S = x_{n+m} − x_{n+3m}, T = x_n − x_{n+m} + x_{n+2m} − x_{n+3m} and a
prime for n → m − n, the modes k = 4k' + r are the transforms of length m of

    y₀(n) = x_n + x_{n+m} + x_{n+2m} + x_{n+3m}        y₁(n) = (C + C') cos θ  + (S' − S) sin θ
    y₂(n) = T cos 2θ + T' sin 2θ                       y₃(n) = (C − C') cos 3θ + (S + S') sin 3θ

and y_r(m − n) follows with (a, b) → (a sin − b cos): a reflection, its own inverse, so that the backward
transform runs the same steps in the opposite order. Modes come out in the order of the blocks; nothing is sorted.
R. N. Bracewell, Proc. IEEE 72 (1984) 1010.

Element n of the eight sequences is the vector at `start + n * step` of a flat array.
"""

from typing import Any

from sqcli.lattice._simd import REGISTER, WIDTH, load, load_part, spread, spread_at, spread_at_part, store
from sqcli.lattice.jit import jit

SQRT2 = 2**0.5
PER_PAIR = 6  # numbers in the table for one pair (n, m − n): cos and sin of θ, 2θ, 3θ


@jit
def _load4(memory: Any, at: int, step: int) -> Any:
    return load(memory, at), load(memory, at + step), load(memory, at + 2 * step), load(memory, at + 3 * step)


@jit
def _load4_part(memory: Any, at: int, step: int) -> Any:
    return (
        load_part(memory, at), load_part(memory, at + step), load_part(memory, at + 2 * step),
        load_part(memory, at + 3 * step),
    )  # fmt: skip


@jit
def _store4(memory: Any, at: int, step: int, values: Any) -> None:
    store(memory, at, values[0])
    store(memory, at + step, values[1])
    store(memory, at + 2 * step, values[2])
    store(memory, at + 3 * step, values[3])


@jit
def _quarters(a: Any, b: Any, c: Any, d: Any) -> Any:
    even, odd = a + c, b + d
    return even + odd, a - c, even - odd, b - d


@jit
def _unquarters(total: Any, c: Any, alternating: Any, d: Any) -> Any:
    even, odd = total + alternating, total - alternating
    return even + c, odd + d, even - c, odd - d


@jit
def _reflect(a: Any, b: Any, cos: Any, sin: Any) -> Any:
    return a * cos + b * sin, a * sin - b * cos


@jit
def _reflect_part(a: Any, b: Any, table: Any, at: int) -> Any:
    return _reflect(a, b, spread_at_part(table, at), spread_at_part(table, at + 1))


@jit
def _split_pair(
    source: Any, p: int, q: int, sm: int, target: Any, u: int, v: int, tm: int, table: Any, at: int
) -> None:
    for lane in range(0, WIDTH, REGISTER):
        a0, a1, a2, a3 = _load4_part(source, p + lane, sm)
        b0, b1, b2, b3 = _load4_part(source, q + lane, sm)
        total0, c0, alternating0, s0 = _quarters(a0, a1, a2, a3)
        total1, c1, alternating1, s1 = _quarters(b0, b1, b2, b3)
        y1, z1 = _reflect_part(c0 + c1, s1 - s0, table, at)
        y2, z2 = _reflect_part(alternating0, alternating1, table, at + 2)
        y3, z3 = _reflect_part(c0 - c1, s0 + s1, table, at + 4)
        _store4(target, u + lane, tm, (total0, y1, y2, y3))
        _store4(target, v + lane, tm, (total1, z1, z2, z3))


@jit
def split4(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, m: int, table: Any, at: int) -> None:
    """Forward radix-4 step of a block of 4m elements of `source` into four blocks of m elements of `target`."""
    sm, tm = m * s_step, m * t_step
    _store4(target, t, tm, forward4(*_load4(source, s, sm)))
    for n in range(1, (m + 1) >> 1):
        p, q = n, m - n
        _split_pair(source, s + p * s_step, s + q * s_step, sm, target, t + p * t_step, t + q * t_step, tm, table, at)
        at += PER_PAIR
    if m & 1 == 0:
        s, t, root = s + (m >> 1) * s_step, t + (m >> 1) * t_step, spread(SQRT2)
        for lane in range(0, WIDTH, REGISTER):
            total, c, alternating, d = _quarters(*_load4_part(source, s + lane, sm))
            _store4(target, t + lane, tm, (total, c * root, alternating, d * root))


@jit
def _merge_pair(
    source: Any, p: int, q: int, sm: int, target: Any, u: int, v: int, tm: int, table: Any, at: int
) -> None:
    for lane in range(0, WIDTH, REGISTER):
        y0, y1, y2, y3 = _load4_part(source, p + lane, sm)
        z0, z1, z2, z3 = _load4_part(source, q + lane, sm)
        a, b = _reflect_part(y1, z1, table, at)
        alternating0, alternating1 = _reflect_part(y2, z2, table, at + 2)
        c, d = _reflect_part(y3, z3, table, at + 4)
        _store4(target, u + lane, tm, _unquarters(y0, a + c, alternating0, d - b))
        _store4(target, v + lane, tm, _unquarters(z0, a - c, alternating1, d + b))


@jit
def merge4(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, m: int, table: Any, at: int) -> None:
    """The transpose of `split4`: four blocks of m elements of `source` into one of 4m elements of `target`."""
    sm, tm = m * s_step, m * t_step
    _store4(target, t, tm, forward4(*_load4(source, s, sm)))
    for n in range(1, (m + 1) >> 1):
        p, q = n, m - n
        _merge_pair(source, s + p * s_step, s + q * s_step, sm, target, t + p * t_step, t + q * t_step, tm, table, at)
        at += PER_PAIR
    if m & 1 == 0:
        s, t, root = s + (m >> 1) * s_step, t + (m >> 1) * t_step, spread(SQRT2)
        for lane in range(0, WIDTH, REGISTER):
            total, y1, alternating, y3 = _load4_part(source, s + lane, sm)
            _store4(target, t + lane, tm, _unquarters(total, y1 * root, alternating, y3 * root))


@jit
def split2(work: Any, s: int, m: int, table: Any, at: int) -> None:
    """Forward radix-2 step of 2m elements, m odd, in place."""
    half = m * WIDTH
    a, b = load(work, s), load(work, s + half)
    store(work, s, a + b)
    store(work, s + half, a - b)
    for n in range(1, (m + 1) // 2):
        p, q = s + n * WIDTH, s + (m - n) * WIDTH
        a, b, c, d = load(work, p), load(work, p + half), load(work, q), load(work, q + half)
        store(work, p, a + b)
        store(work, q, c + d)
        y0, y1 = _reflect(a - b, c - d, spread_at(table, at), spread_at(table, at + 1))
        store(work, p + half, y0)
        store(work, q + half, y1)
        at += 2


@jit
def merge2(work: Any, s: int, m: int, table: Any, at: int) -> None:
    """The transpose of `split2`."""
    half = m * WIDTH
    a, b = load(work, s), load(work, s + half)
    store(work, s, a + b)
    store(work, s + half, a - b)
    for n in range(1, (m + 1) // 2):
        p, q = s + n * WIDTH, s + (m - n) * WIDTH
        a, b = load(work, p), load(work, q)
        c, d = _reflect(load(work, p + half), load(work, q + half), spread_at(table, at), spread_at(table, at + 1))
        store(work, p, a + c)
        store(work, p + half, a - c)
        store(work, q, b + d)
        store(work, q + half, b - d)
        at += 2


@jit
def dense(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, size: int, table: Any, at: int) -> None:
    """Transform of an odd length by its (symmetric) matrix; source and target must not overlap."""
    for k in range(size):
        total = load(source, s)
        for n in range(1, size):
            total = total + load(source, s + n * s_step) * spread_at(table, at + k * size + n)
        store(target, t + k * t_step, total)


@jit
def forward4(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Transform of length 4, in natural order; twice is 4 times the identity."""
    total, e, alternating, f = _quarters(a, b, c, d)
    return total, e + f, alternating, e - f


@jit
def leaf2(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int) -> None:
    """Transform of length 2 in memory, its own transpose."""
    a, b = load(source, s), load(source, s + s_step)
    store(target, t, a + b)
    store(target, t + t_step, a - b)


@jit
def leaf4(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int) -> None:
    """Transform of length 4 in memory, its own transpose."""
    _store4(target, t, t_step, forward4(*_load4(source, s, s_step)))


@jit
def convolve4(work: Any, s: int, kernel: Any, k: int) -> None:
    """Transform of length 4, multiplication, transform back."""
    a, b, c, d = forward4(*_load4(work, s, WIDTH))
    p, q, r, u = _load4(kernel, k, WIDTH)
    _store4(work, s, WIDTH, forward4(a * p, b * q, c * r, d * u))


@jit
def _forward8(x0: Any, x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any) -> Any:
    root = spread(SQRT2)
    y0, y2, y4, y6 = forward4(x0, x2, x4, x6)
    y1, y3, y5, y7 = _quarters(x1, x3, x5, x7)
    y3, y7 = y3 * root, y7 * root
    return y0 + y1, y0 - y1, y2 + y3, y2 - y3, y4 + y5, y4 - y5, y6 + y7, y6 - y7


@jit
def _backward8(y0: Any, y1: Any, y2: Any, y3: Any, y4: Any, y5: Any, y6: Any, y7: Any) -> Any:
    root = spread(SQRT2)
    x0, x2, x4, x6 = forward4(y0 + y1, y2 + y3, y4 + y5, y6 + y7)
    x1, x3, x5, x7 = _unquarters(y0 - y1, (y2 - y3) * root, y4 - y5, (y6 - y7) * root)
    return x0, x1, x2, x3, x4, x5, x6, x7


@jit
def forward8(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int) -> None:
    """Transform of length 8; modes in the order 0 4 1 5 2 6 3 7."""
    for lane in range(0, WIDTH, REGISTER):
        a, b, c, d = _load4_part(source, s + lane, s_step)
        e, f, g, h = _load4_part(source, s + lane + 4 * s_step, s_step)
        a, b, c, d, e, f, g, h = _forward8(a, b, c, d, e, f, g, h)
        _store4(target, t + lane, t_step, (a, b, c, d))
        _store4(target, t + lane + 4 * t_step, t_step, (e, f, g, h))


@jit
def backward8(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int) -> None:
    """The transpose of `forward8`."""
    for lane in range(0, WIDTH, REGISTER):
        a, b, c, d = _load4_part(source, s + lane, s_step)
        e, f, g, h = _load4_part(source, s + lane + 4 * s_step, s_step)
        a, b, c, d, e, f, g, h = _backward8(a, b, c, d, e, f, g, h)
        _store4(target, t + lane, t_step, (a, b, c, d))
        _store4(target, t + lane + 4 * t_step, t_step, (e, f, g, h))


@jit
def convolve8(work: Any, s: int, kernel: Any, k: int) -> None:
    """Forward transform of length 8, multiplication, backward transform."""
    half = 4 * WIDTH
    for lane in range(0, WIDTH, REGISTER):
        a, b, c, d = _load4_part(work, s + lane, WIDTH)
        e, f, g, h = _load4_part(work, s + lane + half, WIDTH)
        a, b, c, d, e, f, g, h = _forward8(a, b, c, d, e, f, g, h)
        p, q, r, u = _load4_part(kernel, k + lane, WIDTH)
        a, b, c, d = a * p, b * q, c * r, d * u
        p, q, r, u = _load4_part(kernel, k + lane + half, WIDTH)
        a, b, c, d, e, f, g, h = _backward8(a, b, c, d, e * p, f * q, g * r, h * u)
        _store4(work, s + lane, WIDTH, (a, b, c, d))
        _store4(work, s + lane + half, WIDTH, (e, f, g, h))
