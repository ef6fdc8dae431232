"""Run of a sampler: all that determines the draws of a sampled ensemble."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqcli import parameters as params
from sqcli import registry
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers import PartialMove, Path, Sampler, Weighted
from sqcli.errors import UsageError
from sqcli.exactness import Exactness
from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import Lattice
from sqcli.parameters import require_count
from sqcli.runs.execution.spec import STATE_BYTES, EnsembleSpec, made_by, theory_of
from sqcli.runs.execution.streams import require_known
from sqcli.runs.sampling.interleave import Move
from sqcli.runs.sampling.tiles import MOST, Proposals, tile_size

FOLDER = "diffusion/samplers"
NONE, INDEPENDENCE = "none", "independence"
PARTIAL = "partial_acceptance_rate"  # statistic of the moves of partial noise
TILES = "; tiles of "


@dataclass(frozen=True, kw_only=True)
class SampleSpec(EnsembleSpec):
    """Run of a sampler on a model.

    Attributes:
        model: the identity of the model.
        accept: "none", or "independence": proposals of a Metropolis–Hastings chain.
        moves: updates between two proposals.
        partial_moves: moves of partial noise between two proposals, before those updates.
        tile: number of draws that are always made together.
    """

    method: str
    sampler: Sampler
    model: str
    accept: str = NONE
    moves: tuple[Move, ...] = ()
    partial_moves: tuple[PartialMove, ...] = ()
    tile: int = 1

    @classmethod
    def build(
        cls,
        *,
        theory: str,
        parameters: Mapping[str, Any],
        method: str,
        method_parameters: Mapping[str, Any],
        lattice: Sequence[int],
        interleave: Sequence[Mapping[str, Any]],
        move: Sequence[int] = (),
        tile: int | None = None,
        **rest: Any,
    ) -> "SampleSpec":
        """Build a run from names and values; UsageError where they do not fit together."""
        theory, instance = theory_of(theory, parameters)
        method = registry.resolve(FOLDER, method)
        sampler: Sampler = params.build(registry.load(FOLDER, method), method_parameters, f"method {method}")
        spec = cls(
            theory=theory, theory_instance=instance, lattice=tuple(lattice), method=method, sampler=sampler,
            moves=tuple(Move.build(**each) for each in interleave), partial_moves=_partial(sampler, move),
            tile=tile or tile_size(instance, Lattice(tuple(lattice)), sampler), **rest,
        )  # fmt: skip
        spec.require_theory()
        for each in spec.moves:
            each.check(spec.system, spec.warmup)
        return spec

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any], chains: int) -> "SampleSpec":
        """Read the run that wrote an ensemble; SqcliError where that was not a sampler of this sqcli."""
        with made_by("sample", attributes):
            return cls.build(
                theory=attributes["theory"],
                parameters=attributes["parameters"],
                method=attributes["algorithm"],
                method_parameters=attributes["algorithm_parameters"],
                lattice=tuple(int(n) for n in attributes["lattice"]),
                interleave=attributes["interleave"],
                move=[int(rungs) for rungs in attributes.get("move", ())],
                model=str(attributes["model"]),
                accept=str(attributes["accept"]),
                chains=chains,
                scheme=require_known(str(attributes["rng"]).partition(TILES)[0]),
                tile=_tile(str(attributes["rng"])),
                **{name: int(attributes[name]) for name in ("warmup", "seed")},
            )

    @property
    def complex_action(self) -> bool:
        """Tell whether the action is complex: draws then have no weights, whatever the sampler."""
        return isinstance(self.theory_instance.manifold, ComplexField)

    @property
    def weighs(self) -> bool:
        """Tell whether log weights are recorded."""
        return density_known(self.sampler) and not self.complex_action

    @property
    def state_bytes(self) -> int:
        """Bytes of room for the state of a chain and of each algorithm between its proposals."""
        return STATE_BYTES * (1 + len(self.moves))

    def method_attributes(self) -> dict[str, Any]:
        """State the sampler, the model, acceptance and moves, and the scheme of the random numbers."""
        return {
            "algorithm": self.method,
            "algorithm_parameters": params.to_mapping(self.sampler),
            "model": self.model,
            "accept": self.accept,
            "interleave": [move.attribute() for move in self.moves],
            **({"move": [move.rungs for move in self.partial_moves]} if self.partial_moves else {}),
            "rng": f"{self.scheme}{TILES}{self.tile} draws",
            "start": "model",
        }

    def exactness(self, process: Process) -> Exactness:
        """Say what the sampler's draws of this model are, corrected by the accept/reject step where there is one."""
        own = Proposals(process, self.sampler, self.streams.key(), self.tile).exactness()
        if self.accept == NONE:
            return own
        if own.status == "weighted":
            return Exactness("exact", f"independent proposals corrected by Metropolis-Hastings ({own.reason})")
        return Exactness("uncorrected", f"approximate: accept/reject with a density that is not exact ({own.reason})")

    def stats(self) -> tuple[str, ...]:
        """Name the numbers that are recorded of each draw."""
        if self.accept == NONE:
            return (
                *(() if self.complex_action else ("action",)),
                *(("log_weight",) if self.weighs else ()),
                *self.sampler.stats(self.theory_instance),
            )
        own = (*((PARTIAL,) if self.partial_moves else ()), *(move.statistic for move in self.moves))
        return ("accepted", "acceptance_rate", "action", "log_weight", "proposal_log_weight", *own)


def _partial(sampler: Sampler, rungs: Sequence[int]) -> tuple[PartialMove, ...]:
    """Build moves of partial noise; UsageError where the sampler has no paths."""
    if rungs and not isinstance(sampler, Path):
        raise UsageError("--move is for --method path, whose paths have rungs")
    return tuple(PartialMove(count, sampler) for count in rungs if isinstance(sampler, Path))


def _tile(rng: str) -> int:
    """Read the draws of a tile from the attribute `rng` of an ensemble; ValueError where it does not say."""
    draws = int(rng.partition(TILES)[2].removesuffix(" draws"))
    require_count("the tiles of rng", draws, 1, MOST)
    return draws


def density_known(sampler: Sampler) -> bool:
    """Tell whether the sampler, with its parameters, gives the density of its draws."""
    return isinstance(sampler, Weighted) and bool(getattr(sampler, "weighs", True))
