"""Complex Langevin dynamics (Parisi, Phys. Lett. B 131, 393, 1983; Klauder, 1983): ż = −K ∂S/∂z + √K η, ⟨ηη⟩ = 2.

A real field with a complex action moves off the real axis; means of holomorphic functions are those of e^{−S} where
criteria for correctness hold, and only there (1101.3270, 1808.05187): see `measure` and `verify`. The noise is
√N_x η + i √N_y η′ with N_x − N_y = 1. A constant kernel K = e^{2iθ} turns both drift and noise, as the
variable e^{iθ}φ_θ of 2411.11297 does; θ = −arg(S″(0))/2 follows the thimble of z = 0, and nothing else of the integral.

Steps are those of Euler and Maruyama; `half-implicit` divides them by 1 + ½εK S″, which bounds run-aways; `adaptive`
cuts them where the drift is large (0912.0617), an update always being the time ε in as many pieces as that takes.
`runge-kutta` does so too, and takes the mean of the drift at both ends of a step (Drummond et al., Nucl. Phys. B 220,
119, 1983): its error is of order ε², the others' of order ε, which counts on lattices.
"""

import cmath
import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.mcmc import _complex_steps, _kernel_angle
from sqcli.mcmc._base import Exactness, InPlace, Kept, State, System, Work, records
from sqcli.theories import HolomorphicAction

ALIASES = ("cle",)
SCHEMES = ("euler", "half-implicit", "adaptive", "runge-kutta")
STATS = (*_complex_steps.STATS, "kernel_angle")


@dataclass(frozen=True)
class ComplexLangevin(InPlace):
    """Complex Langevin dynamics with one step an update.

    Attributes:
        step_size: ε, the Langevin time of an update; the error is of its order, with runge-kutta of its square.
        scheme: how steps are made.
        kernel_angle: θ of the kernel K = e^{2iθ}; "auto": −arg(S″(0))/2, which samples the thimble of z = 0 alone;
            "learned": the one with the smallest drift, which each chain looks for in its warm-up.
        noise_imag: N_y of the complex noise, N_x = 1 + N_y.
        drift_limit: |∂S/∂z| beyond which adaptive steps are cut, in proportion.
        runaway: what becomes of a chain that has run away, |z| > 10⁸: the run stops, or it starts anew from z = 0,
            which is counted and flagged.
    """

    step_size: float = 0.01
    scheme: Literal["euler", "half-implicit", "adaptive", "runge-kutta"] = "adaptive"
    kernel_angle: float | Literal["auto", "learned"] = 0.0
    noise_imag: float = 0.0
    drift_limit: float = 10.0
    runaway: Literal["stop", "restart"] = "stop"

    def __post_init__(self) -> None:
        if min(self.step_size, self.drift_limit) <= 0 or self.noise_imag < 0:
            raise ValueError("step_size and drift_limit must be positive, noise_imag not negative")

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError for a theory whose action is not known at complex fields."""
        if not isinstance(system.theory, HolomorphicAction):
            raise UsageError("complex_langevin needs a theory with a complex action; use langevin, or hmc")
        if self.kernel_angle == "learned" and warmup < _kernel_angle.LEAST:
            raise UsageError(f"kernel_angle=learned is learnt in warm-up: give --warmup {_kernel_angle.LEAST} or more")
        if self.kernel_angle == "auto" and not system.theory.stiffness(system.lattice):
            raise UsageError("kernel_angle=auto needs a second derivative of the action at 0; give a number")

    def exactness(self) -> Exactness:
        """Return `asymptotic`: in the step, and where the criteria for correctness hold."""
        return Exactness(
            "asymptotic",
            f"complex Langevin with step_size = {self.step_size:g}: right as that vanishes, where its criteria hold",
        )

    def keeps_target(self) -> bool:
        """Return False: steps are not corrected."""
        return False

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics: largest drift at the draw and since the last one, ε, pieces a step, run-aways, θ."""
        return STATS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state of a chain that has learnt nothing."""
        return State(field, 0, _kernel_angle.start(warmup) if self.kernel_angle == "learned" else np.empty(0))

    def angle(self, system: System, tuning: NDArray[np.float64]) -> float:
        """Angle θ of the kernel."""
        theory: Any = system.theory
        if self.kernel_angle == "auto":
            return -cmath.phase(theory.stiffness(system.lattice)) / 2
        return _kernel_angle.learnt(tuning) if self.kernel_angle == "learned" else self.kernel_angle

    def settings(self, system: System, angle: float, restart: bool) -> NDArray[np.float64]:
        """Numbers for the kernel: ε, scheme, limit, whether to restart, period, K, and the noise's two parts."""
        manifold: Any = system.theory.manifold
        turn, scheme = cmath.exp(2j * angle), float(SCHEMES.index(self.scheme))
        noise = math.sqrt(2 * (1 + self.noise_imag)), math.sqrt(2 * self.noise_imag)
        return np.array(
            [self.step_size, scheme, self.drift_limit, restart, manifold.period, turn.real, turn.imag, *noise]
        )

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` steps."""
        if tune and self.kernel_angle == "learned":
            return _kernel_angle.search(work, updates, every, partial(self._steps, work))
        angle = self.angle(work.system, work.tuning)
        return self._steps(work, work.first, updates, every, angle, self.runaway == "restart")

    def _steps(self, work: Work, first: int, updates: int, every: int, angle: float, restart: bool) -> Kept:
        """Make steps from the update `first` on with one angle."""
        system, theory = work.system, work.system.theory
        assert isinstance(theory, HolomorphicAction)
        fields, stats = records(system, updates // every, len(STATS))
        stats[:, -1] = angle
        _complex_steps.chain(system.dtype)(
            theory.holomorphic("float64"), work.sites, system.lattice.volume, system.neighbours, system.couplings,
            work.stream.key, first, updates, every, self.settings(system, angle, restart), fields, stats,
        )  # fmt: skip
        return fields, stats
