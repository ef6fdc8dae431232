"""Independent configurations of U(N) and SU(N) in two dimensions, N ≤ 3: tables, and what they can hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import _u1_draws

MOST = 3  # of N
LARGEST = {
    (1, False): _u1_draws.LARGEST, (2, True): 1e4, (2, False): 1000.0, (3, True): 200.0, (3, False): 20.0,
}  # fmt: skip
"""|β| for which a plaquette's coefficients take seconds to compute, by N and whether determinants are 1."""


def require(name: str, n: int, special: bool, beta: float, lattice: Lattice) -> None:
    """Raise UsageError where no configurations can be drawn."""
    if lattice.dimension != 2:
        raise UsageError(f"exact draws of {name} are known in two dimensions only, not on {lattice}; use hmc")
    if n > MOST:
        raise UsageError(f"exact draws of {name} are known for N <= {MOST} only; use hmc")
    largest = LARGEST.get((n, special), np.inf)
    if abs(beta) > largest:
        raise UsageError(f"exact draws of {name} need |beta| <= {largest:g}, not {beta:g}")


def configurations(n: int, special: bool, beta: float, normals: NDArray[np.float64], lattice: Lattice) -> NDArray[Any]:
    """Turn rows of N(0, 1) numbers, 4N²V each, into links (draws, 2, *extents, N, N)."""
    rows = np.ascontiguousarray(normals.reshape(-1, 4 * n**2 * lattice.volume))
    links = np.ones((len(rows), 2, *lattice.extents, n, n), complex)
    if n == 1 and not special:
        links[..., 0, 0] = np.exp(1j * _u1_draws.configurations(beta, rows[:, : 2 * lattice.volume], lattice))
    elif n > 1 and len(rows):
        from sqcli.theories import _class_sums, _plaquette_cells, _torus_walk

        tables = (*_plaquette_cells.cells(n, special, beta / n), *_class_sums.sums(n, special, beta, lattice.volume))
        _torus_walk.configurations("float64")(links, rows, special, beta / n, *tables)
    return links
