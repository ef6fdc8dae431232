"""Trained models: a network, its design, and what was learnt of each training ensemble beside the weights.

On disk it is a directory: `model.yaml` says what it is, `weights.safetensors` holds the averaged (EMA) weights and the
tables of mode statistics. Reading one executes nothing: names are looked up in the folders of networks, schedules,
objectives and theories, numbers go through their dataclasses, tensors must fit the network they make.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sqcli.diffusion.models.design import Design, TrainingEnsemble, lattice_of
from sqcli.diffusion.models.families import family_of
from sqcli.diffusion.models.files import DOCUMENT, WEIGHTS, is_model, own_file, read_document, write_document
from sqcli.diffusion.models.tensors import prefixed, read_tensors, without_prefix, write_tensors
from sqcli.diffusion.nets import Net
from sqcli.diffusion.process.denoiser import Denoiser, euclidean
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.schedules import Schedule
from sqcli.errors import DamageError, SqcliError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.parameters import to_mapping
from sqcli.theories import Theory

__all__ = ["Design", "Model", "TrainingEnsemble", "is_model"]


@dataclass(frozen=True)
class Model:
    """A trained network with everything that sampling needs.

    Attributes:
        design: network, schedule, objective, theory, lattice and couplings.
        net: the network with its averaged weights, in evaluation mode.
        ensembles: the training ensembles.
        seed: the seed of initial weights, batches and noise.
        identity: hash of everything that determines the weights.
        parents: the training ensembles (and the initial model), with their identities.
        training: settings and record of the training.
        provenance: versions, date, command line.
    """

    design: Design
    net: Net
    ensembles: tuple[TrainingEnsemble, ...]
    seed: int
    identity: str
    parents: tuple[Mapping[str, Any], ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def theory(self) -> Theory:
        """Theory of the first training ensemble."""
        return self.design.theory

    @property
    def theory_name(self) -> str:
        """Name of the theory, as in the list of theories."""
        return self.design.choices["theory"].name

    @property
    def lattice(self) -> Lattice:
        """Lattice of the first training ensemble."""
        return self.design.lattice

    @property
    def schedule(self) -> Schedule:
        """Noise schedule of the model."""
        return self.design.schedule

    def denoiser(
        self, theory: Theory | None = None, lattice: Lattice | None = None, device: str | torch.device = "cpu"
    ) -> Denoiser:
        """Take the network of a real field to one theory and lattice, as `process`; UsageError for links."""
        return euclidean(self.process(theory, lattice, device))

    def process(
        self, theory: Theory | None = None, lattice: Lattice | None = None, device: str | torch.device = "cpu"
    ) -> Process:
        """Take the network to one theory and lattice, with the statistics of the nearest training ensemble.

        The nearest is that with the nearest couplings of those that the network is told, then the nearest extents.

        Raises:
            UsageError: another theory than the model's, or a lattice of another dimension.
        """
        theory, lattice = theory or self.theory, lattice or self.lattice
        if type(theory) is not type(self.theory):
            raise UsageError(f"the model was trained on {self.theory_name}, not on {type(theory).__name__}")
        if lattice.dimension != self.lattice.dimension:
            raise UsageError(f"the model lives in {self.lattice.dimension} dimensions, {lattice} has not as many")
        theory.check(lattice)
        device, wanted = torch.device(device), couplings_of(theory, self.design.couplings)
        ensemble = min(self.ensembles, key=lambda ensemble: self._distance(ensemble, wanted, lattice))
        told = standardised(wanted, self.ensembles).to(device)
        family = family_of(self.net)
        statistics = family.moved(ensemble.statistics, device)
        return family.process(self.net.to(device), statistics, self.schedule, theory, lattice, told)

    def _distance(self, ensemble: TrainingEnsemble, wanted: tuple[float, ...], lattice: Lattice) -> tuple[float, float]:
        near = standardised(ensemble.couplings, self.ensembles) - standardised(wanted, self.ensembles)
        extents = zip(ensemble.lattice.extents, lattice.extents, strict=True)
        return float((near**2).sum()), sum(math.log(a / b) ** 2 for a, b in extents)

    def save(self, path: Path) -> None:
        """Write `weights.safetensors`, then `model.yaml`, with which the model exists."""
        tensors = prefixed("net", self.net.state_dict())
        for number, ensemble in enumerate(self.ensembles):
            tensors |= prefixed(f"facts.{number}", ensemble.statistics.tensors())
        checksum = write_tensors(path, WEIGHTS, tensors)
        write_document(path, {**self.document(), "weights_sha256": checksum})

    def document(self) -> dict[str, Any]:
        """Describe the model as `model.yaml` states it."""
        ensembles = [
            {"lattice": list(e.lattice.extents), "couplings": list(e.couplings), "scale": e.statistics.scale}
            for e in self.ensembles
        ]
        return {
            "identity": self.identity,
            **self.design.document(),
            "seed": self.seed,
            "normalisation": ensembles,
            "parents": [dict(parent) for parent in self.parents],
            "training": dict(self.training),
            "finished": True,
            **self.provenance,
        }

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> "Model":
        """Read the model at `path`.

        Raises:
            SqcliError: no such model, one of another format, or one whose training is not finished.
            DamageError: damaged files.
        """
        path = Path(path)
        document = read_document(path)
        if document.get("finished") is not True:
            raise SqcliError(f"{path}: its training is not finished; run the same train command again")
        tensors, _ = read_tensors(own_file(path, WEIGHTS), str(document.get("weights_sha256")))
        try:
            model = cls._from(document, tensors)
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError, UsageError) as error:
            reason = str(error).partition("\n")[0]
            raise DamageError(f"{path / DOCUMENT}: does not describe a model of this sqcli ({reason})") from None
        model.net.to(device)
        return model

    @classmethod
    def _from(cls, document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "Model":
        design, seed = Design.from_document(document), int(document["seed"])
        net = net_with_weights(design, seed, without_prefix("net", tensors))
        ensembles = []
        for number, said in enumerate(document["normalisation"]):
            tables = without_prefix(f"facts.{number}", tensors)
            statistics = family_of(net).from_tensors(_positive(said["scale"]), tables)
            couplings = tuple(float(value) for value in said["couplings"])
            ensembles.append(TrainingEnsemble(lattice_of(said["lattice"]), couplings, statistics))
        if not ensembles or any(len(e.couplings) != len(design.couplings) for e in ensembles):
            raise ValueError("the normalisation does not fit the couplings")
        if any(e.lattice.dimension != design.lattice.dimension for e in ensembles):
            raise ValueError("the lattices differ in dimension")
        told = ("identity", "seed", "normalisation", "parents", "training", "finished", "weights_sha256", "format")
        known = {*told, "format_version", *design.document()}
        return cls(
            design,
            net,
            tuple(ensembles),
            seed,
            str(document["identity"]),
            tuple(dict(parent) for parent in document["parents"]),
            dict(document["training"]),
            {name: value for name, value in document.items() if name not in known},
        )


def net_with_weights(design: Design, seed: int, weights: Mapping[str, Tensor]) -> Net:
    """Build the design's network with given weights, in evaluation mode.

    Raises:
        ValueError: they do not fit; found before the network takes its memory.
    """
    room = sum(value.numel() for value in weights.values())
    if any(type(size) is int and size > max(room, 1) for size in design.choices["net"].parameters.values()):
        raise ValueError("the network would be larger than the weights there are")
    with torch.device("meta"):
        expected = {name: value.shape for name, value in design.build_net(seed).state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != expected:
        raise ValueError("the weights do not fit the network")
    net = design.build_net(seed)
    net.load_state_dict(dict(weights))
    return net.eval()


def couplings_of(theory: Theory, names: tuple[str, ...]) -> tuple[float, ...]:
    """Values of the parameters `names` of the theory, (c,)."""
    values = to_mapping(theory)
    return tuple(float(values[name]) for name in names)


def standardised(couplings: tuple[float, ...], ensembles: tuple[TrainingEnsemble, ...]) -> Tensor:
    """Couplings as the network is told them: less their mean over the training ensembles, over their spread, (c,)."""
    known = torch.tensor([ensemble.couplings for ensemble in ensembles], dtype=torch.float64)
    mean = known.mean(0)
    spread = ((known - mean) ** 2).mean(0).sqrt()
    return (torch.tensor(couplings, dtype=torch.float64) - mean) / torch.where(spread > 0, spread, 1.0)


def _positive(value: Any) -> float:
    number = float(value)
    if not (0 < number < math.inf):
        raise ValueError(f"a scale must be positive and finite, not {value}")
    return number
