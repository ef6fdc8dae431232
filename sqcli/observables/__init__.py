"""Observables, one file each: a per-draw series and a function of its means."""
