"""m_eff² from a short run: the mass of the measured propagator.

G(k) ≈ Z/(p̂² + m²) gives m² = p̂²_min / (G(0)/G(k_min) − 1), with V(⟨M²⟩ − ⟨|M|⟩²) for G(0) where the field is ordered.
A chain learns from the second half of its own pilot only.
"""

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.mcmc._base import State

# After the step's record: m_eff², length of the pilot, then sums over it.
MASS, END, COUNT, SQUARE, ABSOLUTE, WAVE = range(5, 11)
START_MASS = 1.0
ORDERED = 0.85  # ⟨|M|⟩²/⟨M²⟩ is 2/π for a Gaussian M and 1 in an ordered phase


def record(m_eff2: float | None, warmup: int) -> NDArray[np.float64]:
    """What is known before the first update; no pilot when m_eff² is given."""
    return np.array([START_MASS if m_eff2 is None else m_eff2, 0 if m_eff2 is not None else warmup // 2, 0, 0, 0, 0])


def observe(state: State, fields: NDArray[np.floating], lattice: Lattice) -> None:
    """Add those of the last configurations that belong to the second half, one by one: splitting changes no digit."""
    tuning, first = state.tuning, state.update - len(fields) + 1
    fields = fields[max(int(tuning[END]) // 2 - first, 0) :]
    axis, phase = _longest_wave(lattice)
    for field in fields.astype(np.float64).reshape(-1, *lattice.extents):
        mean = field.mean()
        wave = np.tensordot(field.mean(axis=tuple(a for a in range(lattice.dimension) if a != axis)), phase, 1)
        tuning[COUNT:] += np.array([1.0, mean**2, abs(mean), abs(wave) ** 2])


def _longest_wave(lattice: Lattice) -> tuple[int, NDArray[np.complex128]]:
    extent = max(lattice.extents)
    return lattice.extents.index(extent), np.exp(2j * np.pi * np.arange(extent) / extent) / extent


def mass(tuning: NDArray[np.float64], lattice: Lattice) -> float:
    """m_eff², between the longest wave's p̂²/1000 and 4D."""
    square, absolute, wave = tuning[SQUARE:] / max(tuning[COUNT], 1.0)
    zero = square - absolute**2 if absolute**2 > ORDERED * square else square
    shortest = 4 * np.sin(np.pi / max(lattice.extents)) ** 2
    excess = zero / wave - 1 if wave > 0 else 0.0
    return (
        float(np.clip(shortest / excess, shortest / 1000, 4 * lattice.dimension))
        if excess > 0
        else 4.0 * lattice.dimension
    )


def left(state: State) -> int:
    """Updates until the pilot ends."""
    return max(int(state.tuning[END]) - state.update, 0)
