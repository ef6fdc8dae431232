"""Complex Langevin dynamics (Parisi, Phys. Lett. B 131, 393, 1983; Klauder, 1983): ż = −K ∂S/∂z + √K η, ⟨ηη⟩ = 2.

A real field with a complex action moves off the real axis; means of holomorphic functions are those of e^{−S} where
criteria for correctness hold, and only there (1101.3270, 1808.05187): see `measure` and `verify`. The noise is
√N_x η + i √N_y η′ with N_x − N_y = 1. A constant kernel K = e^{2iθ} turns both drift and noise, as the
variable e^{iθ}φ_θ of 2411.11297 does; θ = −arg(S″(0))/2 follows the thimble of z = 0, and nothing else of the integral.

Steps are those of Euler and Maruyama; `half-implicit` divides them by 1 + ½εK S″, which bounds run-aways; `adaptive`
cuts them where the drift is large (0912.0617), an update always being the time ε in as many pieces as that takes.
"""

import cmath
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.mcmc import _complex_steps
from sqcli.mcmc._base import Auto, Exactness, InPlace, Kept, State, System, Work, records
from sqcli.theories import HolomorphicAction

ALIASES = ("cle",)
SCHEMES = ("euler", "half-implicit", "adaptive")


@dataclass(frozen=True)
class ComplexLangevin(InPlace):
    """Complex Langevin dynamics with one step an update.

    Attributes:
        step_size: ε, the Langevin time of an update; the error is of its order.
        scheme: how steps are made.
        kernel_angle: θ of the kernel K = e^{2iθ}; "auto": −arg(S″(0))/2, which samples the thimble of z = 0 alone.
        noise_imag: N_y of the complex noise, N_x = 1 + N_y.
        drift_limit: |∂S/∂z| beyond which adaptive steps are cut, in proportion.
        runaway: what becomes of a chain that has run away, |z| > 10⁸: the run stops, or it starts anew from z = 0,
            which is counted and flagged.
    """

    step_size: float = 0.01
    scheme: Literal["euler", "half-implicit", "adaptive"] = "adaptive"
    kernel_angle: float | Auto = 0.0
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
        self.angle(system)

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
        """Names of the statistics: largest drift at the draw and since the last one, ε, pieces a step, run-aways."""
        return _complex_steps.STATS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state of a chain; there is nothing to learn."""
        return State(field, 0, np.empty(0))

    def angle(self, system: System) -> float:
        """Angle θ of the kernel.

        Raises:
            UsageError: "auto" where S″(0) = 0.
        """
        if self.kernel_angle != "auto":
            return self.kernel_angle
        theory: Any = system.theory
        stiffness = theory.stiffness(system.lattice)
        if not stiffness:
            raise UsageError(
                "kernel_angle=auto needs a theory whose action has a second derivative at 0; give a number"
            )
        return -cmath.phase(stiffness) / 2

    def settings(self, system: System) -> NDArray[np.float64]:
        """Numbers for the kernel: ε, scheme, limit, whether to restart, period, K, and the noise's two parts."""
        manifold: Any = system.theory.manifold
        turn = cmath.exp(2j * self.angle(system))
        noise = math.sqrt(2 * (1 + self.noise_imag)), math.sqrt(2 * self.noise_imag)
        restart, scheme = float(self.runaway == "restart"), float(SCHEMES.index(self.scheme))
        return np.array(
            [self.step_size, scheme, self.drift_limit, restart, manifold.period, turn.real, turn.imag, *noise]
        )

    def run(self, work: Work, updates: int, every: int, tune: bool) -> Kept:
        """Make `updates` steps."""
        system, theory = work.system, work.system.theory
        assert isinstance(theory, HolomorphicAction)
        kept = records(system, updates // every, len(_complex_steps.STATS))
        _complex_steps.chain(system.dtype)(
            theory.holomorphic("float64"), work.sites, system.lattice.volume, system.neighbours, system.couplings,
            work.stream.key, work.first, updates, every, self.settings(system), *kept,
        )  # fmt: skip
        return kept
