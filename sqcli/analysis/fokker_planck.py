"""Stationary distribution P(x, y) of complex Langevin of one variable z = x + iy, without kernel: what it samples.

dz = −S′(z) dt + √2 (√N_x dW_x + i √N_y dW_y) with N_x − N_y = 1 has the Fokker–Planck equation
∂_tP = ∂_x(N_x ∂_xP − K_xP) + ∂_y(N_y ∂_yP − K_yP), K = −S′. `gaussian` is closed. For S = ½σ₀z² + ¼λz⁴ with real noise
`hermite` and `finite_volume` solve it where P lives on a strip, two ways that share nothing but the drift. Elsewhere
`hermite` shows what the process samples, right or wrong. A kernel K = e^{2iθ} is the theory of z e^{−iθ}.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis import _hermite_functions, _strip_cells
from sqcli.analysis._box import Box, couplings, plane, strip
from sqcli.errors import UsageError

Array = NDArray[np.float64]
DEVIATIONS = 9.0  # standard deviations to the end of the grid of a Gaussian
ON_STRIP, ELSEWHERE = (64, 320), (128, 256)  # Hermite functions in x and in y
BEYOND = 1.45  # extent in y of Hermite functions and of their grid, in widths of the strip
DOUBT = 0.01  # least density, in units of the largest, and error of ⟨zS′⟩ = 1 from which on a solution is no solution


@dataclass(frozen=True)
class Stationary:
    """Density on a uniform grid that holds all of it.

    Attributes:
        x: real parts, (nx,).
        y: imaginary parts, (ny,).
        density: P(x, y), (nx, ny), which sums to 1 with the area of a cell.
    """

    x: Array
    y: Array
    density: Array

    @property
    def area(self) -> float:
        """Area of a cell."""
        return float((self.x[1] - self.x[0]) * (self.y[1] - self.y[0]))

    def mean(self, values: Any) -> complex:
        """Compute the mean over P of a function given on the grid, (nx, ny)."""
        return complex((values * self.density).sum() * self.area)

    def moment(self, n: int) -> complex:
        """Compute ⟨zⁿ⟩."""
        return self.mean((self.x[:, None] + 1j * self.y) ** n)

    def marginals(self) -> tuple[Array, Array]:
        """Integrate out y, and x: densities (nx,) and (ny,)."""
        steps = self.y[1] - self.y[0], self.x[1] - self.x[0]
        return self.density.sum(1) * steps[0], self.density.sum(0) * steps[1]

    def density_at(self, x: Any, y: Any) -> Array:
        """Interpolate P at points, cubic; 0 outside the grid."""
        from scipy.interpolate import RectBivariateSpline

        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        inside = (np.abs(x) <= self.x[-1]) & (np.abs(y) <= self.y[-1])
        found: Array = RectBivariateSpline(self.x, self.y, self.density)(x, y, grid=False)
        return np.where(inside, found, 0.0)


def gaussian(theory: Any, noise_imag: float = 0.0, points: int = 241) -> Stationary:
    """Tabulate P of S = ½σ₀z² on a square grid of `points`.

    Args:
        theory: Gaussian theory of one complex variable.
        noise_imag: N_y.
        points: in each direction.

    Raises:
        UsageError: for another action, or where all of P lies on the real axis.
    """
    precision = np.linalg.inv(covariance(theory, noise_imag))
    x, y = (np.linspace(-1, 1, points) * DEVIATIONS * s for s in np.sqrt(np.diag(np.linalg.inv(precision))))
    power = precision[0, 0] * x[:, None] ** 2 + 2 * precision[0, 1] * x[:, None] * y + precision[1, 1] * y**2
    return Stationary(x, y, np.exp(-power / 2) * np.sqrt(np.linalg.det(precision)) / (2 * np.pi))


def covariance(theory: Any, noise_imag: float = 0.0) -> Array:
    """Compute the covariance C of (x, y) for S = ½σ₀z², (2, 2).

    MC + CMᵀ = 2 diag(N_x, N_y) with M = ((A, −B), (B, A)) says ⟨z²⟩ = 1/σ₀ and ⟨|z|²⟩ = (N_x + N_y)/A. At N_y = 0
    P ∝ e^{−αx² − βy² − 2γxy} with α = A, β = A(1 + 2A²/B²), γ = A²/B.

    Raises:
        UsageError: for another action, or where all of P lies on the real axis.
    """
    sigma0, fourth = couplings(theory)
    if fourth or sigma0.real <= 0:
        raise UsageError(f"{theory}: only a Gaussian action has a Gaussian stationary distribution")
    if noise_imag < 0 or not (noise_imag or sigma0.imag):
        raise UsageError(f"{theory}, noise_imag = {noise_imag}: there is no density of (x, y)")
    square, size = 1 / sigma0, (1 + 2 * noise_imag) / sigma0.real
    return np.array([[size + square.real, square.imag], [square.imag, size - square.real]]) / 2


def continued(theory: Any, x: Array, noise_imag: float = 0.0) -> NDArray[np.complex128]:
    """Compute ρ(x) = ∫ dy P(x − iy, y) for S = ½σ₀z², (n,): it is e^{−S}/Z, whatever the noise.

    Raises:
        UsageError: for another action, or where all of P lies on the real axis.
    """
    precision = np.linalg.inv(covariance(theory, noise_imag))
    alpha, gamma, beta = precision[0, 0] / 2, precision[0, 1] / 2, precision[1, 1] / 2
    width = beta - alpha - 2j * gamma  # of y
    power = alpha - (1j * alpha - gamma) ** 2 / width
    norm = np.sqrt(alpha * beta - gamma**2) / np.pi
    return np.asarray(norm * np.sqrt(np.pi / width) * np.exp(-power * x**2))


def hermite(
    theory: Any,
    noise_imag: float = 0.0,
    *,
    functions: tuple[int, int] | None = None,
    extent: tuple[float, float] | None = None,
    points: tuple[int, int] = (241, 241),
) -> Stationary:
    """Solve for P of S = ½σ₀z² + ¼λz⁴ in products of Hermite functions.

    On the strip (real noise, real λ > 0, A > 0 and 0 < B² < 3A²) the error falls faster than any power of their number.
    Elsewhere P has tails that fall as a power, and are cut off at the box: compare two extents.

    Args:
        theory: theory of one complex variable.
        noise_imag: N_y.
        functions: how many in x and in y; None: as many as usually do.
        extent: half-widths in x and y of the box that they span; None: of the strip, or with N_y > 0 a square.
        points: of the grid on the box on which P is tabulated, in x and in y.

    Raises:
        UsageError: for another action, where there is no strip and no extent, or `functions` are too few.
    """
    if noise_imag < 0:
        raise UsageError(f"noise_imag = {noise_imag}: it must not be negative")
    on_strip = extent is None and noise_imag == 0
    box = strip(theory) if on_strip else plane(theory, extent)
    ends = box.width, box.height * (BEYOND if on_strip else 1)
    functions = functions or (ON_STRIP if on_strip else ELSEWHERE)
    scales = ends[0] / np.sqrt(2 * functions[0]), ends[1] / np.sqrt(2 * functions[1])
    x, y = (np.linspace(-end, end, n) for end, n in zip(ends, points, strict=True))
    factors = _hermite_functions.coefficients(box, noise_imag, functions, scales)
    tables = [_hermite_functions.functions(n, u / s) for n, u, s in zip(functions, (x, y), scales, strict=True)]
    found = _normalised(x, y, tables[0].T @ factors @ tables[1])
    return _checked(found, box) if on_strip else found


def finite_volume(theory: Any, cells: tuple[int, int] = (300, 180)) -> Stationary:
    """Solve for P of S = ½σ₀z² + ¼λz⁴ with real noise by finite volumes of sixth order on the strip.

    Args:
        theory: theory of one complex variable with real λ > 0, A > 0 and 0 < B² < 3A².
        cells: of the grid, in x and in y.

    Raises:
        UsageError: for another action, or where `cells` are too few.
    """
    box = strip(theory)
    return _checked(_normalised(*_strip_cells.solve(box, *cells)), box)


def _normalised(x: Array, y: Array, density: Array) -> Stationary:
    """Normalise a solution, and refuse one that is negative."""
    solution = Stationary(x, y, density)
    solution = Stationary(x, y, density / solution.mean(1.0).real)
    _refuse(-solution.density.min() / solution.density.max())
    return solution


def _checked(solution: Stationary, box: Box) -> Stationary:
    """Refuse a solution without ⟨zS′⟩ = 1, which holds where P has no tails."""
    x, y = solution.x[:, None], solution.y
    _refuse(abs(solution.mean(-(x + 1j * y) * box.drift(x, y)) - 1))
    return solution


def _refuse(error: float) -> None:
    if not error < DOUBT:
        raise UsageError(
            f"the Fokker-Planck equation is not resolved (error {error:.1g}): give more functions or cells"
        )
