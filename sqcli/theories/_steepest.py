"""Curves of steepest ascent and descent of Re S from critical points of a holomorphic action; Im S is constant on them.

They are followed in u, S = S_k ± u², dz/du = ±2u/S′. Unlike in the time of dz/dτ = ±conj S′ nothing is stiff, the
start at the critical point is regular, dz/du = √(±2/S″), and u says how much Re S has changed.
"""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError

if TYPE_CHECKING:
    from sqcli.theories._holomorphic import HolomorphicVariable

Complex = NDArray[Any]
RELATIVE, ABSOLUTE = 1e-10, 1e-12  # tolerances of the solver
LONGEST, FEWEST = 0.25, 100  # step in u, or so many steps where Re S changes by very much
FIRST = 1e-3  # largest u at which a curve starts
NEAR = 1e-4  # of the least distance of critical points: where curves start, and at which they count as ended at another
COINCIDE = 1e-6  # distance of critical points, of the farthest


@dataclass(frozen=True)
class SteepestCurves:
    """Curves of steepest ascent and descent through the critical points of a theory.

    Attributes:
        theory: theory of one complex variable.
        points: critical points.
        near: distance to a critical point at which a curve starts or ends.
    """

    theory: "HolomorphicVariable"
    points: tuple[complex, ...]
    near: float

    @classmethod
    def of(cls, theory: "HolomorphicVariable") -> Self:
        """Find the critical points; raise UsageError where some coincide."""
        points = tuple(complex(point) for point in theory.critical_points())
        least = min((abs(one - other) for one, other in itertools.combinations(points, 2)), default=1.0)
        if least <= COINCIDE * max(map(abs, points)) or not all(theory.curvature(point) for point in points):
            raise UsageError(f"{theory}: critical points of the action coincide, so that its thimbles are not defined")
        return cls(theory, points, NEAR * min(least, 1.0))

    def both_ways(
        self, point: complex, tangent: complex, rise: float
    ) -> tuple[Complex, tuple[complex | None, complex | None]]:
        """Follow the curve through a critical point both ways until Re S has changed by `rise`.

        Returns:
            Points from the end against `tangent` to the other, and the critical points at which these ends lie, if any.
        """
        back, before = self._follow(point, -tangent, rise)
        ahead, after = self._follow(point, tangent, rise)
        return np.concatenate([back[::-1], [point], ahead]), (before, after)

    def _follow(self, point: complex, tangent: complex, rise: float) -> tuple[Complex, complex | None]:
        """Follow the curve from a critical point along `tangent`, 1/√S″ in size: points, the critical point met."""
        from scipy.integrate import solve_ivp

        solve: Any = solve_ivp
        others, sign = np.array([other for other in self.points if other != point]), np.sign(rise)
        first, last = min(self.near / abs(tangent), FIRST), float(np.sqrt(abs(rise)))

        def velocity(u: float, z: Complex) -> Any:
            return 2 * sign * u / self.theory.slope(z)

        def clearance(_: float, z: Complex) -> float:
            return float(np.abs(others - z).min(initial=np.inf) - self.near)

        ends: Any = clearance
        ends.terminal = True
        found = solve(
            velocity, (first, last), [point + np.sqrt(2) * first * tangent], method="DOP853",
            rtol=RELATIVE, atol=ABSOLUTE, max_step=max(LONGEST, last / FEWEST), events=ends,
        )  # fmt: skip
        curve = found.y[0]
        return curve, complex(others[np.abs(others - curve[-1]).argmin()]) if found.status == 1 else None
