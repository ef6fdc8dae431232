"""Design of a model: network, schedule, objective and theory, each a name with parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sqcli import parameters, registry
from sqcli.diffusion.nets import Architecture, Net, Problem
from sqcli.diffusion.objectives import Objective
from sqcli.diffusion.process.protocol import Statistics
from sqcli.diffusion.schedules import Schedule
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory

FOLDERS = {"net": "diffusion/nets", "schedule": "diffusion/schedules", "objective": "diffusion/objectives"}
FOLDERS |= {"theory": "theories"}


@dataclass(frozen=True)
class TrainingEnsemble:
    """A training ensemble as a model remembers it: its lattice, couplings and statistics.

    Attributes:
        lattice: the lattice of its configurations.
        couplings: values of the theory's parameters that the network is told, (c,).
        statistics: scale and tables fitted to its configurations.
    """

    lattice: Lattice
    couplings: tuple[float, ...]
    statistics: Statistics


@dataclass(frozen=True)
class Choice:
    """A plugin chosen by name, with the frozen dataclass of its parameters."""

    name: str
    value: Any

    @classmethod
    def build(cls, kind: str, name: object, values: object) -> "Choice":
        """Build a choice from a name and public parameter names; UsageError where they are not known."""
        if not isinstance(name, str) or not isinstance(values, Mapping):
            raise UsageError(f"{kind} must be a name with a mapping of parameters")
        name = registry.resolve(FOLDERS[kind], name)
        return cls(name, parameters.build(registry.load(FOLDERS[kind], name), values, f"{kind} {name}"))

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the plugin's parameters by public name."""
        return parameters.to_mapping(self.value)


@dataclass(frozen=True)
class Design:
    """The four choices that make a model, the lattice of the first training ensemble, and what the network is told.

    Attributes:
        choices: net, schedule, objective and theory.
        lattice: the lattice of the first training ensemble.
        couplings: names of the theory's parameters in which the training ensembles differ.
    """

    choices: Mapping[str, Choice]
    lattice: Lattice
    couplings: tuple[str, ...] = ()

    @property
    def architecture(self) -> Architecture:
        """Sizes of the network, which build it."""
        found: Architecture = self.choices["net"].value
        return found

    @property
    def schedule(self) -> Schedule:
        """Noise schedule of the model."""
        found: Schedule = self.choices["schedule"].value
        return found

    @property
    def objective(self) -> Objective:
        """Objective that the training minimises."""
        found: Objective = self.choices["objective"].value
        return found

    @property
    def theory(self) -> Theory:
        """Theory of the first training ensemble."""
        found: Theory = self.choices["theory"].value
        return found

    @property
    def problem(self) -> Problem:
        """Problem that the network is built for."""
        return Problem(self.theory, self.lattice, self.schedule, self.couplings)

    def build_net(self, seed: int) -> Net:
        """Build the network with weights drawn from `seed` alone."""
        self.architecture.check(self.problem)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.architecture.build(self.problem)

    def document(self) -> dict[str, Any]:
        """Describe the design as `model.yaml` states it."""
        said: dict[str, Any] = {}
        for kind, choice in self.choices.items():
            said |= {kind: choice.name, _parameters_of(kind): choice.parameters}
        return said | {"lattice": list(self.lattice.extents), "couplings": list(self.couplings)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Design":
        """Read a design from `model.yaml`; UsageError, TypeError, KeyError or ValueError where it describes none."""
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
    """Read a lattice from a list of extents; ValueError where it is none."""
    if not isinstance(value, Sequence) or not all(type(n) is int and 0 < n < 2**31 for n in value):
        raise ValueError("a lattice is a list of extents")
    return Lattice(tuple(value))
