"""Between variance exploding and preserving: dx = −½ c k x dt + √k dw, k(t) = σ^{2t/T}; c = 0: `ve`, 1: `vp_power`."""

from dataclasses import dataclass

from sqcli.diffusion.schedules._power import PowerSchedule


@dataclass(frozen=True)
class Interpolation(PowerSchedule):
    """Cumulants decay as κ_n(t) = κ_n(0) e^{−n c u/2}: conserved at c = 0, lost at c = 1 (n > 2).

    Attributes:
        c: 0 … 1.
    """

    c: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.c <= 1:
            raise ValueError(f"c must lie between 0 (ve) and 1 (vp_power), not {self.c}")

    @property
    def damping(self) -> float:
        """The factor c."""
        return self.c
