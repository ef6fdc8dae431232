"""What a model is made of: network, schedule, objective and theory, each a name with parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sqcli import parameters, registry
from sqcli.diffusion.nets import Architecture, Net, Problem
from sqcli.diffusion.objectives import Objective
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.schedules import Schedule
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

FOLDERS = {"net": "diffusion/nets", "schedule": "diffusion/schedules", "objective": "diffusion/objectives"}
FOLDERS |= {"theory": "theories"}


@dataclass(frozen=True)
class TrainingEnsemble:
    """What was learnt of one training ensemble beside the weights.

    Attributes:
        lattice: of its configurations.
        couplings: values of the parameters that the network is told, (c,).
        statistics: its scale and tables.
    """

    lattice: Lattice
    couplings: tuple[float, ...]
    statistics: ModeStatistics


@dataclass(frozen=True)
class Choice:
    """A choice from a folder: the name there and the frozen dataclass of its parameters."""

    name: str
    value: Any

    @classmethod
    def build(cls, kind: str, name: object, values: object) -> "Choice":
        """From a name and public parameter names; UsageError when the folder or the class knows them not."""
        if not isinstance(name, str) or not isinstance(values, Mapping):
            raise UsageError(f"{kind} must be a name with a mapping of parameters")
        name = registry.resolve(FOLDERS[kind], name)
        return cls(name, parameters.build(registry.load(FOLDERS[kind], name), values, f"{kind} {name}"))

    @property
    def parameters(self) -> dict[str, Any]:
        """Public name -> value."""
        return parameters.to_mapping(self.value)


@dataclass(frozen=True)
class Design:
    """The four parts of a model, the lattice of the first training ensemble, and what the network is told.

    Attributes:
        couplings: names of the theory's parameters in which the training ensembles differ.
    """

    choices: Mapping[str, Choice]
    lattice: Lattice
    couplings: tuple[str, ...] = ()

    @property
    def architecture(self) -> Architecture:
        """Sizes of the network."""
        found: Architecture = self.choices["net"].value
        return found

    @property
    def schedule(self) -> Schedule:
        """Noise schedule."""
        found: Schedule = self.choices["schedule"].value
        return found

    @property
    def objective(self) -> Objective:
        """What was minimised."""
        found: Objective = self.choices["objective"].value
        return found

    @property
    def theory(self) -> Theory:
        """That of the first training ensemble."""
        found: Theory = self.choices["theory"].value
        return found

    @property
    def problem(self) -> Problem:
        """What the network is built for."""
        return Problem(self.theory, self.lattice, self.schedule, self.couplings)

    def build_net(self, seed: int) -> Net:
        """The network with weights drawn from `seed` alone."""
        self.architecture.check(self.problem)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.architecture.build(self.problem)

    def document(self) -> dict[str, Any]:
        """For `model.yaml`."""
        said: dict[str, Any] = {}
        for kind, choice in self.choices.items():
            said |= {kind: choice.name, _parameters_of(kind): choice.parameters}
        return said | {"lattice": list(self.lattice.extents), "couplings": list(self.couplings)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Design":
        """Inverse of `document`; UsageError, TypeError, KeyError or ValueError when it is none."""
        choices = {kind: Choice.build(kind, document[kind], document[_parameters_of(kind)]) for kind in FOLDERS}
        couplings = tuple(str(name) for name in document["couplings"])
        unknown = set(couplings) - set(choices["theory"].parameters)
        if unknown:
            raise ValueError(f"the theory has no coupling {min(unknown)}")
        return cls(choices, lattice_of(document["lattice"]), couplings)


def _parameters_of(kind: str) -> str:
    """Key of a choice's parameters in `model.yaml`."""
    return "parameters" if kind == "theory" else f"{kind}_parameters"


def lattice_of(value: object) -> Lattice:
    """From a list of extents; ValueError when it is none."""
    if not isinstance(value, Sequence) or not all(type(n) is int and 0 < n < 2**31 for n in value):
        raise ValueError("a lattice is a list of extents")
    return Lattice(tuple(value))
