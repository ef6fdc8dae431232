"""Markov chain and Langevin algorithms, one file each: `init`/`step` pairs over frozen dataclasses."""
