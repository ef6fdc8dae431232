"""Interpolation of `ve` (c = 0) and `vp_power` (c = 1): dx = −½ c k x dt + √k dw, k(t) = σ^{2t/T}."""

from dataclasses import dataclass

from sqcli.diffusion.schedules._power import PowerSchedule


@dataclass(frozen=True)
class Interpolation(PowerSchedule):
    """Schedule in which cumulants decay as κ_n(t) = κ_n(0) e^{−n c u/2}: conserved at c = 0, lost at c = 1 (n > 2).

    Attributes:
        c: damping of the signal, between 0 and 1.
    """

    c: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.c <= 1:
            raise ValueError(f"c must lie between 0 (ve) and 1 (vp_power), not {self.c}")

    @property
    def damping(self) -> float:
        """Damping c of the signal, in units of ½ g²."""
        return self.c
