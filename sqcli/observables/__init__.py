"""Observables, one file each: numbers per draw, and functions of their means."""

from sqcli.observables._base import Model, Observable

__all__ = ["Model", "Observable"]
