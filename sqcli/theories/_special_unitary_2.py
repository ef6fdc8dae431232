"""SU(2) in formulas of many sites at once, by first rows: as many products of numbers as quaternions need."""

import math
from dataclasses import dataclass

from sqcli.lattice.lanes import Constant, Number
from sqcli.theories._complex import Numbers, dot, entries, flat

TERMS = 10  # of the series in θ² ≤ 1: 1/20! is below the rounding of float64


@dataclass(frozen=True)
class SpecialUnitary2(Constant):
    """Matrices ((α, β), (−β*, α*)) of SU(2), and real multiples, as [Re α, Im α, Re β, Im β]; see `Links`."""

    planes: int = 4
    generators: int = 3

    def multiply(self, a: Numbers, b: Numbers, onto: Numbers | None = None) -> Numbers:
        """Compute a b, or onto + a b."""
        (alpha, beta), (gamma, delta) = entries(a), entries(b)
        first, second = entries(onto) if onto else (None, None)
        above = dot([alpha, -beta], [gamma, delta.conjugate()], first)
        return flat([above, dot([alpha, beta], [delta, gamma.conjugate()], second)])

    def adjoint(self, a: Numbers) -> Numbers:
        """Compute a†."""
        alpha, beta = entries(a)
        return flat([alpha.conjugate(), -beta])

    def components(self, m: Numbers) -> Numbers:
        """Compute Im tr(T_a M), T_a half of Pauli's matrices."""
        return [m[3], m[2], m[1]]

    def trace(self, m: Numbers) -> Number:
        """Compute Re tr M."""
        return m[0] * 2.0

    def vector(self, p: Numbers, step: Number) -> Numbers:
        """Compute the coefficients of Pauli's matrices in step · Σ_a p_a T_a."""
        return [component * (step * 0.5) for component in p]

    def square(self, q: Numbers) -> Number:
        """Compute θ², ±θ the eigenvalues."""
        return q[0] * q[0] + q[1] * q[1] + q[2] * q[2]

    def exponential(self, q: Numbers) -> Numbers:
        """Compute cos θ + i q·σ (sin θ)/θ, both by their series."""
        z = self.square(q)
        cosine = _alternating(z, [math.factorial(2 * k) for k in range(TERMS)])
        sine = _alternating(z, [math.factorial(2 * k + 1) for k in range(TERMS)])
        return [cosine, sine * q[2], sine * q[1], sine * q[0]]

    def purified(self, u: Numbers) -> Numbers:
        """Normalise a link that rounding has moved, by a step of Newton's: U (3 − |U|²)/2."""
        alpha, beta = entries(u)
        factor = (alpha.square() + beta.square()) * -0.5 + 1.5
        return [part * factor for part in u]

    def whole(self, u: Numbers) -> Numbers:
        """Return both rows."""
        return [*u, -u[2], u[3], u[0], -u[1]]


def _alternating(z: Number, divisors: list[int]) -> Number:
    """Compute Σ_k (−z)^k/divisor_k."""
    *others, last = [(-1.0) ** k / divisor for k, divisor in enumerate(divisors)]
    total = z.constant(last)
    for coefficient in reversed(others):
        total = total * z + coefficient
    return total
