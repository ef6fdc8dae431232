"""U(2), U(3) and SU(3) in formulas of many sites at once.

Hermitian matrices of the algebra are kept as their entries above the diagonal, then the diagonal. The exponential is
Taylor's series, in which the theorem of Cayley and Hamilton reduces powers from the n-th on to lower ones.
"""

import math
from dataclasses import dataclass
from itertools import combinations

from sqcli.lattice.lanes import Constant, Number
from sqcli.theories._complex import Complex, Numbers, dot, entries, flat

TERMS = 18  # of the series of matrices whose norm is at most 1: 1/19! is below the rounding of float64


@dataclass(frozen=True)
class Unitary(Constant):
    """Matrices of U(n) or SU(n), n = 2 or 3, by real and imaginary parts of all entries; see `Links`."""

    n: int
    special: bool

    @property
    def planes(self) -> int:
        """Numbers of a link."""
        return 2 * self.n**2

    @property
    def generators(self) -> int:
        """Numbers of a momentum."""
        return self.n**2 - self.special

    def multiply(self, a: Numbers, b: Numbers, onto: Numbers | None = None) -> Numbers:
        """Compute a b, or onto + a b."""
        left, right, n = entries(a), entries(b), self.n
        sums: list[Complex | None] = [*entries(onto)] if onto else [None] * n**2
        return flat([dot(left[n * i : n * i + n], right[j::n], sums[n * i + j]) for i in range(n) for j in range(n)])

    def adjoint(self, a: Numbers) -> Numbers:
        """Compute a†."""
        z = entries(a)
        return flat([z[self.n * j + i].conjugate() for i in range(self.n) for j in range(self.n)])

    def components(self, m: Numbers) -> Numbers:
        """Compute Im tr(T_a M) in the order of `GroupLinks.generators`."""
        z, n = entries(m), self.n
        found, partial = [], z[0].im
        for j, k in combinations(range(n), 2):
            above, below = z[n * j + k], z[n * k + j]
            found += [(above.im + below.im) * 0.5, (above.re - below.re) * 0.5]
        for k in range(1, n):
            diagonal = z[(n + 1) * k].im
            found.append((partial - diagonal * k) * (1 / math.sqrt(2 * k * (k + 1))))
            partial = partial + diagonal
        return found if self.special else [*found, partial * (1 / math.sqrt(2 * n))]

    def trace(self, m: Numbers) -> Number:
        """Compute Re tr M."""
        return _sum(m[:: 2 * (self.n + 1)])

    def vector(self, p: Numbers, step: Number) -> Numbers:
        """Compute step · Σ_a p_a T_a."""
        n, pairs = self.n, self.n * (self.n - 1)
        above = flat([z.conjugate().times(step * 0.5) for z in entries(p[:pairs])])
        values = [p[pairs + k - 1] * step * (1 / math.sqrt(2 * k * (k + 1))) for k in range(1, n)]
        if not self.special:
            values.append(p[-1] * step * (1 / math.sqrt(2 * n)))
        return [*above, _sum(values), *(_sum([values[k - 1] * -k, *values[k:]]) for k in range(1, n))]

    def square(self, q: Numbers) -> Number:
        """Compute tr q², which the square of no eigenvalue exceeds."""
        above, diagonal = self._parts(q)
        return _sum([z.square() for z in above]) * 2.0 + _sum([d * d for d in diagonal])

    def exponential(self, q: Numbers) -> Numbers:
        """Compute e^{iq} where tr q² ≤ 1."""
        powers = [self._parts(q)] if self.n == 2 else [self._parts(q), self._squared(q)]
        scale, *factors = self._coefficients(self._reduction(q))
        found = {}
        for i in range(self.n):
            found[i, i] = scale + _total(
                [c.times(diagonal[i]) for c, (_, diagonal) in zip(factors, powers, strict=True)]
            )
        for place, (i, j) in enumerate(combinations(range(self.n), 2)):
            found[i, j] = dot(factors, [above[place] for above, _ in powers])
            found[j, i] = dot(factors, [above[place].conjugate() for above, _ in powers])
        return flat([found[i, j] for i in range(self.n) for j in range(self.n)])

    def _parts(self, q: Numbers) -> tuple[list[Complex], Numbers]:
        """Entries above the diagonal, and on it."""
        return entries(q[: -self.n]), q[-self.n :]

    def _squared(self, q: Numbers) -> tuple[list[Complex], Numbers]:
        """The same of q², n = 3."""
        (x, y, z), (a, b, c) = self._parts(q)
        above = [
            dot([y], [z.conjugate()], x.times(a + b)),
            dot([x], [z], y.times(a + c)),
            dot([x.conjugate()], [y], z.times(b + c)),
        ]
        xx, yy, zz = x.square(), y.square(), z.square()
        return above, [a * a + xx + yy, b * b + xx + zz, c * c + yy + zz]

    def _reduction(self, q: Numbers) -> list[Number | None]:
        """Coefficients of q^n = Σ_k r_k q^k; None: zero."""
        if self.n == 2:
            (x,), (a, b) = self._parts(q)
            return [x.square() - a * b, a + b]
        (x, y, z), (a, b, c) = self._parts(q)
        xx, yy, zz = x.square(), y.square(), z.square()
        determinant = dot([dot([x], [z])], [y.conjugate()]).re * 2.0 + a * b * c - a * zz - b * yy - c * xx
        minors = xx + yy + zz - (a * b + a * c + b * c)
        return [determinant, minors, None if self.special else a + b + c]

    def _coefficients(self, reduction: list[Number | None]) -> list[Complex]:
        """Coefficients of e^{iq} = Σ_k c_k q^k by Horner's rule."""
        first = reduction[0]
        assert first is not None
        zero = first.constant(0.0)
        found = [Complex(first.constant(1 / math.factorial(TERMS)), zero), *[Complex(zero, zero)] * (self.n - 1)]
        for k in range(TERMS - 1, -1, -1):
            last, shifted = found[-1], [Complex(zero, zero), *found[:-1]]
            found = [(z if r is None else z + last.times(r)).turned() for z, r in zip(shifted, reduction, strict=True)]
            found[0] = Complex(found[0].re + 1 / math.factorial(k), found[0].im)
        return found

    def purified(self, u: Numbers) -> Numbers:
        """Bring a link that rounding has moved back: U ← U (3 − U†U)/2, then the phase of det U, near 0, to 0."""
        defect = [part * -0.5 for part in self.multiply(self.adjoint(u), u)]
        for i in range(self.n):
            place = 2 * (self.n + 1) * i
            defect[place] = defect[place] + 1.5
        nearer = self.multiply(u, defect)
        if not self.special:
            return nearer
        rows = [entries(nearer)[i : i + 3] for i in (0, 3, 6)]
        angle = self._determinant(rows).im * (1 / 3)
        return flat([dot([z], [Complex(angle.constant(1.0), -angle)]) for row in rows for z in row])

    def _determinant(self, rows: list[list[Complex]]) -> Complex:
        first, (a, b, c), (d, e, f) = rows
        cross = [dot([b, -c], [f, e]), dot([c, -a], [d, f]), dot([a, -b], [e, d])]
        return dot(first, cross)

    def whole(self, u: Numbers) -> Numbers:
        """Return the link."""
        return u


def _sum(numbers: Numbers) -> Number:
    total = numbers[0]
    for number in numbers[1:]:
        total = total + number
    return total


def _total(numbers: list[Complex]) -> Complex:
    return Complex(_sum([z.re for z in numbers]), _sum([z.im for z in numbers]))
