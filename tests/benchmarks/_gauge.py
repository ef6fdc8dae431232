"""Gauge fields for the C reference: 2D U(1), and 4D SU(2) and SU(3) with links site by site."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class CForce:
    """The C reference's force on a configuration (*site) of U(1), SU(2) or SU(3), `repeats` times a call.

    Attributes:
        links: number of links.
        force: force as C lays it out; of U(1) summed over all calls.
    """

    def __init__(self, library: Any, links: NDArray[Any], beta: float, repeats: int = 1) -> None:
        self._extent, self._beta, self._repeats = links.shape[1], beta, repeats
        self.links = links.shape[0] * self._extent ** links.shape[0]
        if not np.iscomplexobj(links):
            self._function, self._links, shape = library.u1_force, np.ascontiguousarray(links), links.shape
        elif links.shape[-1] == 2:
            self._function, self._links = library.su2_force, quaternions(np.moveaxis(links, 0, 4))
            shape = (*self._links.shape[:-1], 3)
        else:
            self._function, self._links = library.su3_force, np.ascontiguousarray(np.moveaxis(links, 0, 4)).view(float)
            shape = self._links.shape
        self.force = np.zeros(shape)

    def __call__(self) -> None:
        addresses = self._links.ctypes.data, self.force.ctypes.data
        assert self._function(*addresses, self._extent, self._beta, self._repeats) == 0


def quaternions(u: NDArray[np.complex128]) -> NDArray[np.float64]:
    """SU(2) matrices a0 + i a·σ as (a0, a1, a2, a3)."""
    first, second = u[..., 0, 0], u[..., 0, 1]
    return np.ascontiguousarray(np.stack([first.real, second.imag, second.real, first.imag], axis=-1))
