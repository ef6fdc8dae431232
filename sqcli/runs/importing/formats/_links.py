"""Links of SU(3) in four dimensions as files order them, t slowest and x fastest, and the averages that headers state.

In memory links are (mu, x, y, z, t, row, column), as in ensembles; in files (t, z, y, x, mu, row, column).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import DamageError

DEVIATION = 1e-5  # of averages that other codes computed, in single precision perhaps
COLOURS = 3


def reordered(links: NDArray[Any]) -> NDArray[Any]:
    """Bring links from the order of files into that of ensembles, or back: the first five axes the other way round."""
    return np.ascontiguousarray(links.transpose(4, 3, 2, 1, 0, 5, 6))


def with_third_row(rows: NDArray[Any]) -> NDArray[Any]:
    """Complete matrices of two rows (…, 2, 3) to SU(3): the third row is the conjugate cross product of the others."""
    wide = rows.astype(np.complex128)
    third = np.cross(wide[..., 0, :], wide[..., 1, :]).conj()
    return np.concatenate([wide, third[..., None, :]], axis=-2).astype(rows.dtype)


def link_trace(links: NDArray[Any]) -> float:
    """Compute the mean of Re tr U / 3 over all links."""
    return float(np.einsum("...aa->...", links).real.mean(dtype=np.float64)) / COLOURS


def plaquette(links: NDArray[Any]) -> float:
    """Compute the mean of Re tr U_□ / 3 over all plaquettes."""
    wide = links.astype(np.complex128, copy=False)
    total, planes = 0.0, 0
    for mu in range(len(wide)):
        for nu in range(mu):
            there = wide[mu] @ np.roll(wide[nu], -1, axis=mu)
            back = wide[nu] @ np.roll(wide[mu], -1, axis=nu)
            total += float(np.einsum("...ab,...ab->...", there, back.conj()).real.mean())
            planes += 1
    return total / planes / COLOURS


def require_averages(path: Path, links: NDArray[Any], stated: dict[str, float]) -> None:
    """Compare the averages of links with those that a file states, `plaquette` and `link trace`.

    Raises:
        DamageError: one differs by more than rounding.
    """
    computed = {"plaquette": plaquette, "link trace": link_trace}
    for name, value in stated.items():
        found = computed[name](links)
        if not abs(found - value) <= DEVIATION:
            raise DamageError(f"{path}: its {name} is {found:.9g}, but its header states {value:.9g}")
