"""Observables, one file each: numbers per draw, and functions of their means."""
