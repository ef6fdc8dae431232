"""Markov chain and Langevin algorithms, one file each: `init`/`step` pairs over frozen dataclasses."""

from sqcli.mcmc._base import Algorithm, State, System, Trace
from sqcli.mcmc._trajectory import MolecularDynamics

__all__ = ["Algorithm", "MolecularDynamics", "State", "System", "Trace"]
