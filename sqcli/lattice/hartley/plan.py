"""Multiplication in Fourier space, f ← F⁻¹ K(k) F f, for real fields and kernels even in every component of k.

Such a kernel, a function of p̂² = Σ_μ 4 sin²(k_μ/2) for example, is diagonal also in the separable Hartley basis
Π_μ cas(k_μ x_μ): F⁻¹KF = V⁻¹ H K H with a real symmetric H, so no complex number is needed and each field is
transformed alone. Its use in Fourier acceleration: G. G. Batrouni et al., Phys. Rev. D 32 (1985) 2736.

Modes stay in the order in which decimation in frequency leaves them; `Plan.permuted` brings the kernel there once.
Vectors run along the sites of the inner axes, blocks of columns at a time; on the last axis eight rows are transposed
into the scratch, transformed, multiplied and transformed back before they return.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.hartley._lines import BLOCK, EXTENT, INNER, SPARE, WORK, columns, convolve_rows
from sqcli.lattice.hartley._simd import WIDTH, pointer
from sqcli.lattice.jit import jit

Floats = NDArray[np.float64]
HEADER, RECORD = 4, SPARE  # integer table: axes and a line's last three numbers, then for each axis its first ones


@dataclass(frozen=True)
class _Factors:
    """Factors extent = 4^fours · 2^twos · base, with an odd base or, for powers of two, a base of 1, 2, 4 or 8."""

    extent: int
    fours: int
    twos: int
    base: int

    @classmethod
    def of(cls, extent: int) -> "_Factors":
        """Factorise an extent."""
        power = (extent & -extent).bit_length() - 1
        if extent >> power > 1:
            return cls(extent, power // 2, power % 2, extent >> power)
        base = extent if power < 4 else 4 << power % 2
        return cls(extent, (power - base.bit_length() + 1) // 2, 0, base)

    @property
    def order(self) -> NDArray[np.intp]:
        """Mode number at each position after the forward transform."""
        order = np.arange(self.base) if self.base != 8 else np.array([0, 4, 1, 5, 2, 6, 3, 7])
        for radix in (2,) * self.twos + (4,) * self.fours:
            order = np.concatenate([radix * order + r for r in range(radix)])
        return order

    @property
    def table(self) -> Floats:
        """Cosines and sines of the steps, in their forward order, then the matrix of an odd base."""
        parts, length = [], self.extent
        for radix in (4,) * self.fours + (2,) * self.twos:
            angles = 2 * np.pi / length * np.outer(np.arange(1, (length // radix + 1) // 2), np.arange(1, radix))
            parts.append(np.stack([np.cos(angles), np.sin(angles)], axis=-1).ravel())
            length //= radix
        if self.base % 2:
            angles = 2 * np.pi / self.base * (np.outer(np.arange(self.base), np.arange(self.base)) % self.base)
            parts.append((np.cos(angles) + np.sin(angles)).ravel())
        return np.concatenate([*parts, np.zeros(0)])


@dataclass(frozen=True)
class Plan:
    """Tables of `multiply` for a lattice of these extents; extents of 1 drop out."""

    extents: tuple[int, ...]

    @cached_property
    def _axes(self) -> tuple[_Factors, ...]:
        extents = [n for n in self.extents if n > 1]
        return tuple(_Factors.of(n) for n in [1] * (2 - len(extents)) + extents)

    @property
    def _spare(self) -> int:
        return BLOCK * max(axis.extent for axis in self._axes)

    @cached_property
    def tables(self) -> tuple[NDArray[np.int64], Floats]:
        """Tables `itable` (header and a record per axis) and `ftable` (twiddle factors and small matrices)."""
        records, offset, inner = [len(self._axes), self._spare, 0, WIDTH], 0, self.volume
        for axis in self._axes:
            inner //= axis.extent
            end = offset + len(axis.table)
            odd = end - (axis.base**2 if axis.base % 2 else 0)
            leaves = axis.extent // axis.base
            records += [axis.extent, inner, axis.fours, axis.twos, axis.base, offset, odd, leaves]
            offset = end
        return np.array(records, dtype=np.int64), np.concatenate([axis.table for axis in self._axes])

    @property
    def volume(self) -> int:
        """Number of sites V."""
        return math.prod(self.extents)

    def scratch(self) -> Floats:
        """Allocate a scratch for `multiply`, one for each thread, on a cache line's boundary."""
        size = 2 * self._spare
        memory = np.zeros(size + WIDTH)
        skip = -memory.ctypes.data // memory.itemsize % WIDTH
        return memory[skip : skip + size]

    def permuted(self, kernel: NDArray[np.floating[Any]]) -> Floats:
        """Bring K(k)/V into the order of `multiply`.

        Args:
            kernel: shape `extents`, in the order of `numpy.fft`: mode number n of an axis is k = 2πn/L.
                Only its part that is even in every component of k acts as it does under `numpy.fft`.

        Returns:
            Flat array; its last index runs over eight rows, and rows that do not exist are zero.
        """
        modes = np.asarray(kernel, dtype=np.float64).reshape([axis.extent for axis in self._axes])
        rows = modes[np.ix_(*(axis.order for axis in self._axes))].reshape(-1, *modes.shape[-2:]) / self.volume
        padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % WIDTH), (0, 0)))
        blocks = padded.reshape(len(rows), -1, WIDTH, rows.shape[2])
        return np.ascontiguousarray(blocks.transpose(0, 1, 3, 2)).ravel()


@jit
def _line(t: Any, at: int) -> Any:
    own = (t[at], t[at + 1], t[at + 2], t[at + 3], t[at + 4], t[at + 5], t[at + 6], t[at + 7])
    return (*own, t[1], t[2], t[3])


@jit
def multiply(f: Any, kernel: Any, itable: Any, ftable: Any, scratch: Any) -> None:
    """Multiply by K(k) in Fourier space, f ← F⁻¹ K F f, in place.

    Args:
        f: the field, flat and contiguous, V float64.
        kernel: `Plan.permuted` of K.
        itable: the first of `Plan.tables`.
        ftable: the second.
        scratch: memory from `Plan.scratch`; its content does not matter.
    """
    size, last = len(f), HEADER + RECORD * (itable[0] - 1)
    field, factors, table, work = pointer(f), pointer(kernel), pointer(ftable), pointer(scratch)
    row, column = _line(itable, last), _line(itable, last - RECORD)
    at = row[WORK]
    for record in range(HEADER, last - RECORD, RECORD):
        outer = _line(itable, record)
        for start in range(0, size, outer[EXTENT] * outer[INNER]):
            columns(field, start, True, outer, table, work)
    for start in range(0, size, column[EXTENT] * column[INNER]):
        columns(field, start, True, column, table, work)
        at = convolve_rows(field, start, column[EXTENT], factors, at, row, table, work)
        columns(field, start, False, column, table, work)
    for record in range(last - 2 * RECORD, 0, -RECORD):
        outer = _line(itable, record)
        for start in range(0, size, outer[EXTENT] * outer[INNER]):
            columns(field, start, False, outer, table, work)
