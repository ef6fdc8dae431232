"""Crash-safe ensembles on plain Zarr v3; no physics."""

from sqcli.store._checking import Fault, check
from sqcli.store._creation import create, is_ensemble
from sqcli.store._errors import ExistsError, ReadOnlyError
from sqcli.store._growing import extend
from sqcli.store._identity import identity_of
from sqcli.store._layout import Layout, default_chain_group
from sqcli.store._reading import Block, Committed, Ensemble, Rows, open_ensemble
from sqcli.store._series import Series, observable_names, read_observable, write_observable
from sqcli.store._writing import Writer

__all__ = [
    "Block",
    "Committed",
    "Ensemble",
    "ExistsError",
    "Fault",
    "Layout",
    "ReadOnlyError",
    "Rows",
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
    "read_observable",
    "write_observable",
]
