"""Free relativistic Bose gas on a lattice, solved by Fourier transformation: a sum over the modes of φ.

S = Σ_k D(k) |φ̃(k)|²/V with D(k) = m² + Σ_i 4 sin²(k_i/2) + 2 − 2 cos(k_t + iμ); Re D(k) > 0 below the onset, where
2 cosh μ = 2 + m². Phase-quenched, cosh μ cos k_t stands for cos(k_t + iμ). Complex Gaussians obey Wick's rule as real
ones do.
"""

import numpy as np

from sqcli.lattice.momentum import modes, phat2
from sqcli.theories._base import References

ODD = {"2": 1, "4": 3, "6": 15, "8": 105}  # (n − 1)!!


def references(mass: float, mu: float, extents: tuple[int, ...], phase_quenched: bool) -> References:
    """Compute ⟨φ*φ⟩ = (1/V) Σ_k 1/D, n = −(1/V) Σ_k (∂D/∂μ)/D, ⟨S⟩/V = 1, and moments and cumulants."""
    time = modes(extents)[-1]
    hopping, change = 2 * np.cosh(mu - 1j * time), 2 * np.sinh(mu - 1j * time)
    if phase_quenched:
        hopping, change = hopping.real, change.real
    inverse = 1 / (mass**2 + phat2(extents) + 2 * np.cos(time) - hopping)
    square, density = float(inverse.mean().real), float((change * inverse).mean().real)
    values: dict[tuple[str, str | None], float] = {
        ("field_squared", None): square, ("density", None): density, ("action", None): 1.0
    }  # fmt: skip
    values |= {("moments", n): odd * square ** (int(n) // 2) for n, odd in ODD.items()}
    return values | {("cumulants", n): square if n == "2" else 0.0 for n in ODD}
