"""Short Hartley transforms: the last steps of a forward transform and the first ones of a backward transform.

Lengths 2, 4 and 8 run in registers and may stay in place; an odd length is a product with its matrix, cas(2πkn/N).
Element n of `width` sequences, a multiple of eight, lies at `start + n * step` of memory, one beside the other.
"""

from typing import Any

from sqcli.lattice.hartley._simd import WIDTH, load, load_part, spread, spread_at, store
from sqcli.lattice.jit import jit
from sqcli.lattice.vectors import REGISTER

SQRT2 = 2**0.5


@jit
def load4(memory: Any, at: int, step: int) -> Any:
    """Load four vectors that lie `step` apart."""
    return load(memory, at), load(memory, at + step), load(memory, at + 2 * step), load(memory, at + 3 * step)


@jit
def load4_part(memory: Any, at: int, step: int) -> Any:
    """Load four registers that lie `step` apart."""
    return (
        load_part(memory, at), load_part(memory, at + step), load_part(memory, at + 2 * step),
        load_part(memory, at + 3 * step),
    )  # fmt: skip


@jit
def store4(memory: Any, at: int, step: int, values: Any) -> None:
    """Store four vectors or registers `step` apart."""
    store(memory, at, values[0])
    store(memory, at + step, values[1])
    store(memory, at + 2 * step, values[2])
    store(memory, at + 3 * step, values[3])


@jit
def quarters(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Combine the four quarters of a block to total, C, T and S of `_steps`."""
    even, odd = a + c, b + d
    return even + odd, a - c, even - odd, b - d


@jit
def unquarters(total: Any, c: Any, alternating: Any, d: Any) -> Any:
    """Apply the transpose of `quarters`."""
    even, odd = total + alternating, total - alternating
    return even + c, odd + d, even - c, odd - d


@jit
def forward4(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Transform four vectors, in natural order; twice is 4 times the identity."""
    total, e, alternating, f = quarters(a, b, c, d)
    return total, e + f, alternating, e - f


@jit
def _forward8(x0: Any, x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any) -> Any:
    root = spread(SQRT2)
    y0, y2, y4, y6 = forward4(x0, x2, x4, x6)
    y1, y3, y5, y7 = quarters(x1, x3, x5, x7)
    y3, y7 = y3 * root, y7 * root
    return y0 + y1, y0 - y1, y2 + y3, y2 - y3, y4 + y5, y4 - y5, y6 + y7, y6 - y7


@jit
def _backward8(y0: Any, y1: Any, y2: Any, y3: Any, y4: Any, y5: Any, y6: Any, y7: Any) -> Any:
    root = spread(SQRT2)
    x0, x2, x4, x6 = forward4(y0 + y1, y2 + y3, y4 + y5, y6 + y7)
    x1, x3, x5, x7 = unquarters(y0 - y1, (y2 - y3) * root, y4 - y5, (y6 - y7) * root)
    return x0, x1, x2, x3, x4, x5, x6, x7


@jit
def leaf2(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int) -> None:
    """Transform length 2 in memory; its own transpose."""
    for lane in range(0, width, REGISTER):
        a, b = load_part(source, s + lane), load_part(source, s + lane + s_step)
        store(target, t + lane, a + b)
        store(target, t + lane + t_step, a - b)


@jit
def leaf4(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int) -> None:
    """Transform length 4 in memory; its own transpose."""
    for lane in range(0, width, REGISTER):
        store4(target, t + lane, t_step, forward4(*load4_part(source, s + lane, s_step)))


@jit
def convolve4(work: Any, s: int, kernel: Any, k: int) -> None:
    """Transform length 4, multiply by the kernel, transform back."""
    a, b, c, d = forward4(*load4(work, s, WIDTH))
    p, q, r, u = load4(kernel, k, WIDTH)
    store4(work, s, WIDTH, forward4(a * p, b * q, c * r, d * u))


@jit
def forward8(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int) -> None:
    """Transform length 8; modes come in the order 0 4 1 5 2 6 3 7."""
    for lane in range(0, width, REGISTER):
        a, b, c, d = load4_part(source, s + lane, s_step)
        e, f, g, h = load4_part(source, s + lane + 4 * s_step, s_step)
        a, b, c, d, e, f, g, h = _forward8(a, b, c, d, e, f, g, h)
        store4(target, t + lane, t_step, (a, b, c, d))
        store4(target, t + lane + 4 * t_step, t_step, (e, f, g, h))


@jit
def backward8(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int) -> None:
    """Apply the transpose of `forward8`."""
    for lane in range(0, width, REGISTER):
        a, b, c, d = load4_part(source, s + lane, s_step)
        e, f, g, h = load4_part(source, s + lane + 4 * s_step, s_step)
        a, b, c, d, e, f, g, h = _backward8(a, b, c, d, e, f, g, h)
        store4(target, t + lane, t_step, (a, b, c, d))
        store4(target, t + lane + 4 * t_step, t_step, (e, f, g, h))


@jit
def convolve8(work: Any, s: int, kernel: Any, k: int) -> None:
    """Transform length 8, multiply by the kernel, transform back."""
    half = 4 * WIDTH
    for lane in range(0, WIDTH, REGISTER):
        a, b, c, d = load4_part(work, s + lane, WIDTH)
        e, f, g, h = load4_part(work, s + lane + half, WIDTH)
        a, b, c, d, e, f, g, h = _forward8(a, b, c, d, e, f, g, h)
        p, q, r, u = load4_part(kernel, k + lane, WIDTH)
        a, b, c, d = a * p, b * q, c * r, d * u
        p, q, r, u = load4_part(kernel, k + lane + half, WIDTH)
        a, b, c, d, e, f, g, h = _backward8(a, b, c, d, e * p, f * q, g * r, h * u)
        store4(work, s + lane, WIDTH, (a, b, c, d))
        store4(work, s + lane + half, WIDTH, (e, f, g, h))


@jit
def dense(
    source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int, size: int, table: Any, at: int
) -> None:
    """Transform an odd length by its (symmetric) matrix; source and target must not overlap."""
    for lane in range(0, width, WIDTH):
        for k in range(size):
            total = load(source, s + lane)
            for n in range(1, size):
                total = total + load(source, s + lane + n * s_step) * spread_at(table, at + k * size + n)
            store(target, t + lane + k * t_step, total)
