"""Crash-safe ensembles on plain Zarr v3; no physics."""

from sqcli.store._checking import Fault, check
from sqcli.store._committed import Committed
from sqcli.store._creation import create, is_ensemble, require_vacant
from sqcli.store._errors import ExistsError, ReadOnlyError
from sqcli.store._growing import extend
from sqcli.store._identity import identity_of
from sqcli.store._layout import Layout, default_chain_group
from sqcli.store._reading import Block, BlockDraws, Ensemble, open_ensemble
from sqcli.store._series import Series, observable_names, read_observable
from sqcli.store._series_writing import write_observable
from sqcli.store._writing import Writer
from sqcli.store._zarr import open_foreign, read_foreign

__all__ = [
    "Block",
    "BlockDraws",
    "Committed",
    "Ensemble",
    "ExistsError",
    "Fault",
    "Layout",
    "ReadOnlyError",
    "Series",
    "Writer",
    "check",
    "create",
    "default_chain_group",
    "extend",
    "identity_of",
    "is_ensemble",
    "observable_names",
    "open_ensemble",
    "open_foreign",
    "read_foreign",
    "read_observable",
    "require_vacant",
    "write_observable",
]
