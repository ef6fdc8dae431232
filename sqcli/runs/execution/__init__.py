"""Execution of runs of any kind: workers, progress, limits of time and memory, going on, provenance."""
