"""Observables, one file each: numbers per draw, and functions of their means."""

from sqcli.observables._base import COMPLEX, LINKS, LatticeTheory, Observable
from sqcli.observables._charge import ChargeObservable
from sqcli.observables._options import name_of, options_of, series_key

__all__ = ["COMPLEX", "LINKS", "ChargeObservable", "LatticeTheory", "Observable", "name_of", "options_of", "series_key"]
