"""All that determines the draws of a sampled ensemble, and its identity.

identity = SHA-256 of the sorted JSON of theory, parameters, lattice, method, its parameters, acceptance, interleaved
updates, warm-up, the model's identity, dtype, seed, scheme of random numbers and format version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqcli import parameters as params
from sqcli import registry, store
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.samplers import Sampler, Weighted
from sqcli.errors import SqcliError, UsageError
from sqcli.exactness import Exactness
from sqcli.lattice.geometry import Lattice
from sqcli.mcmc import System
from sqcli.parameters import require_count
from sqcli.runs.execution.resume import require_made_by
from sqcli.runs.execution.streams import SCHEME, Streams, require_known
from sqcli.runs.sampling.interleave import Move
from sqcli.runs.sampling.tiles import MOST, Proposals, tile_size
from sqcli.theories import Theory

FOLDER = "diffusion/samplers"
NONE, INDEPENDENCE = "none", "independence"
TILES = "; tiles of "
RNG_BYTES = 1024  # of the state of a chain, and of each algorithm between its proposals


@dataclass(frozen=True)
class SampleSpec:
    """A sampler at work on a model; see the module's text.

    Attributes:
        model: the identity of the model.
        accept: "none", or "independence": proposals of a Metropolis–Hastings chain.
        moves: updates between two proposals.
        warmup: proposals discarded first.
        tile: draws that are always made together.
    """

    theory: str
    theory_instance: Theory
    lattice: tuple[int, ...]
    method: str
    sampler: Sampler
    model: str
    chains: int
    seed: int
    accept: str = NONE
    moves: tuple[Move, ...] = ()
    warmup: int = 0
    every: int = 1
    dtype: str = "float64"
    scheme: str = SCHEME
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
        **rest: Any,
    ) -> "SampleSpec":
        """From names and values; UsageError when they do not fit together."""
        theory, method = registry.resolve("theories", theory), registry.resolve(FOLDER, method)
        instance: Theory = params.build(registry.load("theories", theory), parameters, f"theory {theory}")
        sampler: Sampler = params.build(registry.load(FOLDER, method), method_parameters, f"method {method}")
        moves = tuple(Move.build(**move) for move in interleave)
        tile = rest.pop("tile", None) or tile_size(Lattice(tuple(lattice)), sampler)
        spec = cls(theory, instance, tuple(lattice), method, sampler, moves=moves, tile=tile, **rest)
        instance.check(spec.system.lattice)
        for move in moves:
            move.check(spec.system, spec.warmup)
        return spec

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any], chains: int) -> "SampleSpec":
        """The run that wrote an ensemble; SqcliError when that was not a sampler of this sqcli."""
        require_made_by("sample", attributes)
        try:
            return cls.build(
                theory=attributes["theory"],
                parameters=attributes["parameters"],
                method=attributes["algorithm"],
                method_parameters=attributes["algorithm_parameters"],
                lattice=tuple(int(n) for n in attributes["lattice"]),
                interleave=attributes["interleave"],
                model=str(attributes["model"]),
                accept=str(attributes["accept"]),
                chains=chains,
                scheme=require_known(str(attributes["rng"]).partition(TILES)[0]),
                tile=_tile(str(attributes["rng"])),
                **{name: int(attributes[name]) for name in ("warmup", "seed")},
            )
        except KeyError as error:
            raise SqcliError(
                f"the ensemble was not made by sample of this sqcli: its attribute {error.args[0]} is missing"
            ) from None
        except (TypeError, ValueError, UsageError) as error:
            raise SqcliError(f"the ensemble was not made by sample of this sqcli: {error}") from None

    @cached_property
    def system(self) -> System:
        """Theory, lattice and precision."""
        return System(self.theory_instance, Lattice(self.lattice), self.dtype)

    @property
    def weighs(self) -> bool:
        """Whether log weights are recorded."""
        return density_known(self.sampler)

    @cached_property
    def streams(self) -> Streams:
        """Its random numbers."""
        return Streams(self.scheme, self.identity, self.seed)

    @property
    def identity(self) -> str:
        """Name of the run: 64 hexadecimal digits."""
        return store.identity_of(self.attributes(), self.dtype)

    def attributes(self) -> dict[str, Any]:
        """The root attributes that say what the run is."""
        return {
            "theory": self.theory,
            "parameters": params.to_mapping(self.theory_instance),
            "lattice": list(self.lattice),
            "boundary": "periodic",
            "action_convention": self.theory_instance.formula,
            "algorithm": self.method,
            "algorithm_parameters": params.to_mapping(self.sampler),
            "model": self.model,
            "accept": self.accept,
            "interleave": [move.attribute() for move in self.moves],
            "seed": self.seed,
            "rng": f"{self.scheme}{TILES}{self.tile} draws",
            "every": self.every,
            "warmup": self.warmup,
            "start": "model",
        }

    def exactness(self, denoiser: Denoiser) -> Exactness:
        """The sampler's on this model, corrected by the accept/reject step where there is one."""
        own = Proposals(denoiser, self.sampler, self.streams.key(), self.tile).exactness()
        if self.accept == NONE:
            return own
        if own.status == "weighted":
            return Exactness("exact", f"independent proposals corrected by Metropolis-Hastings ({own.reason})")
        return Exactness("uncorrected", f"approximate: accept/reject with a density that is not exact ({own.reason})")

    def stats(self) -> tuple[str, ...]:
        """Names of the numbers per draw."""
        if self.accept == NONE:
            return ("action", *(("log_weight",) if self.weighs else ()), *self.sampler.stats())
        own = tuple(move.statistic for move in self.moves)
        return ("accepted", "acceptance_rate", "action", "log_weight", "proposal_log_weight", *own)

    def layout(self, draws: int) -> store.Layout:
        """Room for `draws` draws of each chain."""
        manifold, lattice = self.theory_instance.manifold, self.system.lattice
        return store.Layout(
            field=manifold.field,
            site=manifold.site(lattice),
            site_dims=manifold.axes(lattice),
            dtype=self.dtype,
            stats={name: "int8" if name == "accepted" else "float64" for name in self.stats()},
            chains=self.chains,
            target_draws=draws,
            chain_group=store.default_chain_group(self.chains, draws, self.system.size * 8),
            rng_bytes=RNG_BYTES * (1 + len(self.moves)),
        )


def _tile(rng: str) -> int:
    """Draws of a tile of an ensemble that is there; ValueError when its attribute `rng` does not say."""
    draws = int(rng.partition(TILES)[2].removesuffix(" draws"))
    require_count("the tiles of rng", draws, 1, MOST)
    return draws


def density_known(sampler: Sampler) -> bool:
    """Whether the sampler, with its parameters, gives the density of its draws."""
    return isinstance(sampler, Weighted) and bool(getattr(sampler, "weighs", True))
