"""Variance preserving: dx = −½ k x dt + √k dw with k(t) = σ^{2t/T}, so α = e^{−u/2}, u = ∫₀ᵗ k (2410.21212)."""

from dataclasses import dataclass

from sqcli.diffusion.schedules._power import PowerSchedule


@dataclass(frozen=True)
class VariancePreservingPower(PowerSchedule):
    """α² + σ² = 1 with the noise rate of `ve`; levels reach e^{u(T)/2}, where nothing is left of the signal."""

    @property
    def damping(self) -> float:
        """1."""
        return 1.0
