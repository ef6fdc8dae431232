"""Variance preserving: dx = −½ k x dt + √k dw with k(t) = σ^{2t/T}, so α = e^{−u/2}, u = ∫₀ᵗ k (2410.21212)."""

from dataclasses import dataclass

from sqcli.diffusion.schedules._power import PowerSchedule


@dataclass(frozen=True)
class VariancePreservingPower(PowerSchedule):
    """Schedule with α² + σ² = 1 and the noise rate of `ve`; at level e^{u(T)/2} nothing is left of the signal."""

    @property
    def damping(self) -> float:
        """Damping of the signal, 1 in units of ½ g²."""
        return 1.0
