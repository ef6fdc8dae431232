"""Hartley transforms along one axis of a lattice: columns where they lie, rows through a transposition.

`line` describes an axis by eleven integers: extent, sites of the inner axes, radix-4 and radix-2 steps, length of the
last transforms, where its numbers begin in the table and where those of an odd last transform do, how many last
transforms there are, where the spare half of the scratch and where its first half (the work space of one transform)
begin, and the step between elements there. Even constants are passed so: numba compiles a function anew for each
literal that it sees in a call.
"""

from typing import Any

from sqcli.lattice.hartley._short import backward8, convolve4, convolve8, dense, forward8, leaf2, leaf4
from sqcli.lattice.hartley._simd import WIDTH, load, load8, peek, poke, store, store8, transpose
from sqcli.lattice.hartley._steps import PER_PAIR, merge2, merge4, split2, split4
from sqcli.lattice.jit import jit

EXTENT, INNER, FOURS, TWOS, BASE, TABLE, ODD_TABLE, LEAVES, SPARE, WORK, STEP = range(11)
BLOCK = 32
"""Number of columns transformed together: four cache lines side by side, and calls cost less."""


@jit
def _down(work: Any, first: int, line: Any, width: int, table: Any, at: int) -> None:
    """Make the forward steps in `work`, from number `first` on."""
    for level in range(first, line[FOURS]):
        m = line[EXTENT] >> (2 * level + 2)
        for block in range(1 << (2 * level)):
            start = block * 4 * m * width
            split4(work, start, width, work, start, width, width, m, table, at)
        at += PER_PAIR * ((m - 1) >> 1)
    if line[TWOS] > 0:
        for block in range(line[LEAVES] >> 1):
            split2(work, block * 2 * line[BASE] * width, width, line[BASE], table, at)


@jit
def _up(work: Any, last: int, line: Any, width: int, table: Any) -> None:
    """Apply the transposes of the steps of `_down` in the opposite order."""
    at = line[ODD_TABLE]
    if line[TWOS] > 0:
        at -= 2 * ((line[BASE] - 1) >> 1)
        for block in range(line[LEAVES] >> 1):
            merge2(work, block * 2 * line[BASE] * width, width, line[BASE], table, at)
    for level in range(line[FOURS] - 1, last - 1, -1):
        m = line[EXTENT] >> (2 * level + 2)
        at -= PER_PAIR * ((m - 1) >> 1)
        for block in range(1 << (2 * level)):
            start = block * 4 * m * width
            merge4(work, start, width, work, start, width, width, m, table, at)


@jit
def _leaves(
    source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int, forward: bool, line: Any, table: Any
) -> None:
    """Make the last forward, or the first backward transforms; for odd lengths source and target must differ."""
    base, odd = line[BASE], line[ODD_TABLE]
    for _ in range(line[LEAVES]):
        if base == 8 and forward:
            forward8(source, s, s_step, target, t, t_step, width)
        elif base == 8:
            backward8(source, s, s_step, target, t, t_step, width)
        elif base == 4:
            leaf4(source, s, s_step, target, t, t_step, width)
        elif base == 2:
            leaf2(source, s, s_step, target, t, t_step, width)
        else:
            dense(source, s, s_step, target, t, t_step, width, base, table, odd)
        s += base * s_step
        t += base * t_step


@jit
def _copy(source: Any, s: int, s_step: int, target: Any, t: int, t_step: int, width: int, extent: int) -> None:
    for n in range(extent):
        for lane in range(0, width, WIDTH):
            store(target, t + n * t_step + lane, load(source, s + n * s_step + lane))


@jit
def _forward(field: Any, start: int, step: int, width: int, line: Any, table: Any, work: Any) -> None:
    """Transform `width` columns whose first elements begin at `start`, each with its elements `step` apart."""
    origin = line[WORK]
    if line[FOURS] > 0:
        m = line[EXTENT] >> 2
        split4(field, start, step, work, origin, width, width, m, table, line[TABLE])
        _down(work, 1, line, width, table, line[TABLE] + PER_PAIR * ((m - 1) >> 1))
        _leaves(work, origin, width, field, start, step, width, True, line, table)
    elif line[BASE] & 1:
        _copy(field, start, step, work, origin, width, width, line[EXTENT])
        _down(work, 0, line, width, table, line[TABLE])
        _leaves(work, origin, width, field, start, step, width, True, line, table)
    else:
        _leaves(field, start, step, field, start, step, width, True, line, table)


@jit
def _backward(field: Any, start: int, step: int, width: int, line: Any, table: Any, work: Any) -> None:
    """Apply the transpose of `_forward`."""
    origin = line[WORK]
    if line[FOURS] > 0:
        _leaves(field, start, step, work, origin, width, width, False, line, table)
        _up(work, 1, line, width, table)
        merge4(work, origin, width, field, start, step, width, line[EXTENT] >> 2, table, line[TABLE])
    elif line[BASE] & 1:
        _leaves(field, start, step, work, origin, width, width, False, line, table)
        _up(work, 0, line, width, table)
        _copy(work, origin, width, field, start, step, width, line[EXTENT])
    else:
        _leaves(field, start, step, field, start, step, width, False, line, table)


@jit
def columns(field: Any, start: int, forward: bool, line: Any, table: Any, scratch: Any) -> None:
    """Transform the slab of `field` that begins at `start` along an axis that is not the last."""
    extent, inner, spare = line[EXTENT], line[INNER], line[SPARE]
    whole = inner & -WIDTH
    for column in range(0, whole, BLOCK):
        width = min(BLOCK, whole - column)
        if forward:
            _forward(field, start + column, inner, width, line, table, scratch)
        else:
            _backward(field, start + column, inner, width, line, table, scratch)
    if whole == inner:
        return
    for n in range(extent):
        for lane in range(WIDTH):
            here = start + n * inner + whole + lane
            poke(scratch, spare + n * WIDTH + lane, peek(field, here) if whole + lane < inner else 0.0)
    if forward:
        _forward(scratch, spare, line[STEP], line[STEP], line, table, scratch)
    else:
        _backward(scratch, spare, line[STEP], line[STEP], line, table, scratch)
    for n in range(extent):
        for lane in range(inner - whole):
            poke(field, start + n * inner + whole + lane, peek(scratch, spare + n * WIDTH + lane))


@jit
def _multiply_leaves(work: Any, kernel: Any, k: int, line: Any, table: Any) -> None:
    """Make the last forward transforms, multiply by the kernel, make the first backward ones."""
    base, spare, odd = line[BASE], line[SPARE], line[ODD_TABLE]
    for leaf in range(line[LEAVES]):
        s = leaf * base * WIDTH
        if base == 8:
            convolve8(work, s, kernel, k + s)
        elif base == 4:
            convolve4(work, s, kernel, k + s)
        elif base == 2:
            leaf2(work, s, line[STEP], work, s, line[STEP], line[STEP])
            store(work, s, load(work, s) * load(kernel, k + s))
            store(work, s + WIDTH, load(work, s + WIDTH) * load(kernel, k + s + WIDTH))
            leaf2(work, s, line[STEP], work, s, line[STEP], line[STEP])
        else:
            dense(work, s, line[STEP], work, spare, line[STEP], line[STEP], base, table, odd)
            for n in range(0, base * WIDTH, WIDTH):
                store(work, spare + n, load(work, spare + n) * load(kernel, k + s + n))
            dense(work, spare, line[STEP], work, s, line[STEP], line[STEP], base, table, odd)


@jit
def _to_scratch(field: Any, start: int, extent: int, rows: int, scratch: Any) -> None:
    """Transpose eight rows into the scratch; rows that do not exist are zero."""
    whole = extent & -WIDTH if rows == WIDTH else 0
    for x in range(0, whole, WIDTH):
        store8(scratch, x * WIDTH, WIDTH, transpose(load8(field, start + x, extent)))
    for x in range(whole, extent):
        for row in range(WIDTH):
            poke(scratch, x * WIDTH + row, peek(field, start + row * extent + x) if row < rows else 0.0)


@jit
def _from_scratch(field: Any, start: int, extent: int, rows: int, scratch: Any) -> None:
    """Transpose the scratch back into rows that exist."""
    whole = extent & -WIDTH if rows == WIDTH else 0
    for x in range(0, whole, WIDTH):
        store8(field, start + x, extent, transpose(load8(scratch, x * WIDTH, WIDTH)))
    for x in range(whole, extent):
        for row in range(rows):
            poke(field, start + row * extent + x, peek(scratch, x * WIDTH + row))


@jit
def convolve_rows(field: Any, start: int, rows: int, kernel: Any, k: int, line: Any, table: Any, scratch: Any) -> int:
    """Transform `rows` rows, multiply by `kernel` from `k` on, transform back; returns the next `k`."""
    extent = line[EXTENT]
    for row in range(0, rows, WIDTH):
        here, count = start + row * extent, min(WIDTH, rows - row)
        _to_scratch(field, here, extent, count, scratch)
        _down(scratch, 0, line, line[STEP], table, line[TABLE])
        _multiply_leaves(scratch, kernel, k, line, table)
        _up(scratch, 0, line, line[STEP], table)
        _from_scratch(field, here, extent, count, scratch)
        k += extent * WIDTH
    return k
