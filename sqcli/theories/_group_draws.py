"""Independent configurations of U(N) and SU(N) in two dimensions, N ≤ 3: tables, and what they can hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice

MOST = 3  # of N
LARGEST = {(1, False): 1e4, (2, True): 1e4, (2, False): 200.0, (3, True): 200.0, (3, False): 20.0}
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
    links = np.ones((len(normals), 2, *lattice.extents, n, n), complex)
    if n - special > 0 and len(normals):
        from sqcli.theories import _class_sums, _plaquette_cells, _torus_walk

        rows = np.ascontiguousarray(normals.reshape(len(normals), -1))
        tables = (*_plaquette_cells.cells(n, special, beta / n), *_class_sums.sums(n, special, beta, lattice.volume))
        _torus_walk.configurations("float64")(links, rows, special, beta / n, *tables)
    return links
