"""Actions of configurations in the flat layout of the kernels, by the theory's own kernel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.halo import pack
from sqcli.lattice.jit import kernel
from sqcli.mcmc._base import System
from sqcli.theories import FINISH


@kernel(f"void(FunctionType({FINISH}), real[:, ::1], real[:, ::1], uint64[::1], float64[::1], float64[::1])")
def write_actions(finish, fields, buffers, geometry, couplings, out):
    """Write S of every field with `couplings` into `out`."""
    energies = np.empty(2)
    for i in range(fields.shape[0]):
        pack(fields[i], buffers[0], geometry)
        finish(buffers[0], buffers[1], geometry, couplings, 0.0, energies)
        out[i] = energies[0]


def actions(system: System, fields: NDArray[Any], couplings: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Compute S of flat fields (n, size), with the theory's couplings or others: (n,)."""
    out, values = np.empty(len(fields)), system.couplings if couplings is None else couplings
    write_actions(system.dtype)(
        system.theory.finish(system.dtype), fields, system.buffers(2), system.geometry, values, out
    )  # fmt: skip
    return out
