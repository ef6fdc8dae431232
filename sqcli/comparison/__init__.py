"""Comparison: what independent configurations cost by each algorithm and by each sampler of a model."""
