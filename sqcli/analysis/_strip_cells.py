"""Finite volumes for the stationary Fokker–Planck equation ∂_x(∂_xP − K_xP) − ∂_y(K_yP) = 0 on a strip.

Fluxes through the faces of a uniform grid are interpolated at sixth order from six cells, and are 0 at the boundary,
so that probability is conserved to rounding. P and all its derivatives vanish where stencils stick out. There is no
diffusion in y, and none is added: P is smooth because the drift mixes x with y.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.analysis._box import Box

Array = NDArray[np.float64]
MEAN = {-3: 1 / 60, -2: -8 / 60, -1: 37 / 60, 0: 37 / 60, 1: -8 / 60, 2: 1 / 60}
SLOPE = {-3: -1 / 90, -2: 25 / 180, -1: -245 / 180, 0: 245 / 180, 1: -25 / 180, 2: 1 / 90}
"""Weights of the cells −3 … 2 on the face between −1 and 0: conservative interpolation and its derivative."""


def cells(end: float, number: int) -> Array:
    """Return the middles of `number` cells of [−end, end]."""
    return end * ((2 * np.arange(number) + 1) / number - 1)


def solve(strip: Box, columns: int, rows: int) -> tuple[Array, Array, Array]:
    """Solve for P up to a factor; returns x (columns,), y (rows,), P (columns, rows)."""
    from scipy import sparse

    x, y = cells(strip.width, columns), cells(strip.height, rows)
    drift = strip.drift(x[:, None], y).ravel()
    along_x, along_y = sparse.identity(rows), sparse.identity(columns)
    width, height = x[1] - x[0], y[1] - y[0]
    flux_x = sparse.kron(_faces(columns, MEAN), along_x) @ sparse.diags(drift.real)
    flux_x -= sparse.kron(_faces(columns, SLOPE), along_x) / width
    flux_y = sparse.kron(along_y, _faces(rows, MEAN)) @ sparse.diags(drift.imag)
    change = sparse.kron(_differences(columns), along_x) @ flux_x / width
    change += sparse.kron(along_y, _differences(rows)) @ flux_y / height
    return x, y, _kernel(change.tocsc(), columns // 2 * rows + rows // 2).reshape(columns, rows)


def _faces(number: int, weights: dict[int, float]) -> Any:
    """Build the matrix from cells to faces, (number + 1, number), with empty rows for the two ends."""
    from scipy import sparse

    inside = sparse.diags(list(weights.values()), [1 + k for k in weights], shape=(number - 1, number))
    empty = sparse.csr_matrix((1, number))
    return sparse.vstack([empty, inside, empty], format="csr")


def _differences(number: int) -> Any:
    """Build the matrix from faces to cells that takes right minus left, (number, number + 1)."""
    from scipy import sparse

    return sparse.diags([-1.0, 1.0], [0, 1], shape=(number, number + 1), format="csr")


def _kernel(matrix: Any, cell: int) -> Array:
    """Find P with P = 1 in `cell` that `matrix` takes to 0; one equation follows from the others and is left out."""
    from scipy.sparse.linalg import spsolve

    others = np.delete(np.arange(matrix.shape[0]), cell)
    found = spsolve(matrix[others][:, others], -matrix[others][:, [cell]].toarray().ravel())
    return np.insert(found, cell, 1.0)
