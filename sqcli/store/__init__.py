"""Crash-safe ensembles on plain Zarr v3; no physics."""

from sqcli.store._creation import create
from sqcli.store._errors import ExistsError, ReadOnlyError
from sqcli.store._growing import extend
from sqcli.store._layout import Layout, default_chain_group
from sqcli.store._reading import Block, Committed, Ensemble, Rows, open_ensemble
from sqcli.store._writing import Writer

__all__ = [
    "Block",
    "Committed",
    "Ensemble",
    "ExistsError",
    "Layout",
    "ReadOnlyError",
    "Rows",
    "Writer",
    "create",
    "default_chain_group",
    "extend",
    "open_ensemble",
]
