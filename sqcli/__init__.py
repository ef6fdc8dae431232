"""sqcli: stochastic quantization and diffusion models for lattice field theory.

The command line is the main way in; Python users open ensembles with `open_ensemble`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqcli.store import Ensemble

__version__ = "0.1.0"
__all__ = ["__version__", "open_ensemble"]


def open_ensemble(path: Any) -> "Ensemble":
    """Read-only handle on the ensemble directory `path`: lazy arrays, committed draws only.

    Raises:
        sqcli.errors.SqcliError: when `path` is not a readable ensemble; the message says why.
    """
    from sqcli import store  # imported here: `sqcli --help` must not load zarr

    return store.open_ensemble(path)
