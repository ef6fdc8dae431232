"""Markov chain and Langevin algorithms, one file each: `init`/`step` pairs over frozen dataclasses."""

from sqcli.mcmc._base import Algorithm, State, System, Trace
from sqcli.mcmc._dynamics import dynamics
from sqcli.mcmc._integrators import Splitting
from sqcli.mcmc._members import Member, parse, split
from sqcli.mcmc._trajectory import MolecularDynamics

__all__ = [
    "Algorithm",
    "Member",
    "MolecularDynamics",
    "Splitting",
    "State",
    "System",
    "Trace",
    "dynamics",
    "parse",
    "split",
]
