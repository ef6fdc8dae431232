"""Exact expectation values that a theory knows, under the names of the observables."""

from typing import Any

from sqcli.lattice.geometry import Lattice


def exact_values(theory: Any, lattice: Lattice) -> dict[tuple[str, str | None], Any]:
    """Exact expectation values on `lattice`: (observable, component) -> value; empty where nothing is known.

    They are complex where the action is. A theory with `log_partition` also knows log Z.
    """
    found = dict(theory.exact(lattice))
    if hasattr(theory, "log_partition"):
        found["log_z", None] = theory.log_partition(lattice)
    return found
