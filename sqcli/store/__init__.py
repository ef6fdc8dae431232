"""Crash-safe ensembles on plain Zarr v3; no physics."""
