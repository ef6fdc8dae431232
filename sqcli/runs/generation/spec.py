"""All that determines the numbers of an ensemble, and its identity.

identity = SHA-256 of the sorted JSON of theory, parameters, lattice, algorithm, its parameters (`auto` stays `auto`),
dtype, every, warmup, start, seed, scheme of random numbers and format version. How much of the run is wanted (chains,
draws) and how it is computed (workers, device, code version) are not part of the name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqcli import parameters as params
from sqcli import registry, store
from sqcli.errors import SqcliError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.mcmc import Algorithm, System
from sqcli.runs.execution.resume import require_made_by
from sqcli.runs.execution.streams import SCHEME, Streams, require_known
from sqcli.theories import Theory

MAX_SITES = 2**31  # indices of random numbers and neighbours are 32-bit words


@dataclass(frozen=True)
class Start:
    """Where chains start: `hot`, `cold`, or the last of the first `draws` draws of another ensemble's chains."""

    kind: str
    ensemble: str | None = None
    identity: str | None = None
    draws: int | None = None

    def __str__(self) -> str:
        return self.ensemble or self.kind

    @classmethod
    def parse(cls, text: str) -> "Start":
        """From the option's text; an ensemble is opened to learn its identity."""
        if text in ("hot", "cold"):
            return cls(text)
        source = store.open_ensemble(text)
        draws = source.common_draws()
        if draws == 0:
            raise SqcliError(f"{text}: no draw is committed yet to start from")
        return cls("ensemble", text, str(source.attrs.get("identity")), draws)

    @classmethod
    def from_attribute(cls, value: Any) -> "Start":
        """From the root attribute."""
        return cls(value) if isinstance(value, str) else cls("ensemble", **value)

    def attribute(self) -> Any:
        """For the root attributes."""
        if self.ensemble is None:
            return self.kind
        return {"ensemble": self.ensemble, "identity": self.identity, "draws": self.draws}

    def same(self, other: "Start") -> bool:
        """Whether both name the same start; an ensemble may have grown or moved since."""
        return (self.kind, self.identity) == (other.kind, other.identity)


@dataclass(frozen=True)
class RunSpec:
    """A run of an algorithm on a theory; see the module's text."""

    theory: str
    theory_instance: Theory
    lattice: tuple[int, ...]
    algorithm: str
    algorithm_instance: Algorithm
    chains: int
    warmup: int
    every: int
    start: Start
    seed: int
    dtype: str
    rng: str = SCHEME

    @classmethod
    def build(
        cls,
        *,
        theory: str,
        parameters: Mapping[str, Any],
        algorithm: str,
        algorithm_parameters: Mapping[str, Any],
        lattice: tuple[int, ...],
        **rest: Any,
    ) -> "RunSpec":
        """From names and values; UsageError when they do not fit together."""
        theory, algorithm = registry.resolve("theories", theory), registry.resolve("mcmc", algorithm)
        theory_instance: Theory = params.build(registry.load("theories", theory), parameters, f"theory {theory}")
        algorithm_class = registry.load("mcmc", algorithm)
        algorithm_instance: Algorithm = params.build(algorithm_class, algorithm_parameters, f"algorithm {algorithm}")
        spec = cls(theory, theory_instance, tuple(lattice), algorithm, algorithm_instance, **rest)
        spec.theory_instance.check(spec.system.lattice)
        if spec.system.size >= MAX_SITES:
            raise UsageError(f"a lattice of {spec.system.lattice} is too large: {MAX_SITES} degrees of freedom at most")
        spec.algorithm_instance.check(spec.system, spec.warmup)
        return spec

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any], chains: int, dtype: str) -> "RunSpec":
        """The run that wrote an ensemble.

        Raises:
            SqcliError: when the ensemble was not made by an algorithm of this sqcli.
        """
        require_made_by("generate", attributes)
        try:
            return cls.build(
                theory=attributes["theory"],
                parameters=attributes["parameters"],
                algorithm=attributes["algorithm"],
                algorithm_parameters=attributes["algorithm_parameters"],
                lattice=tuple(attributes["lattice"]),
                chains=chains,
                dtype=dtype,
                start=Start.from_attribute(attributes["start"]),
                rng=require_known(attributes["rng"]),
                **{name: int(attributes[name]) for name in ("warmup", "every", "seed")},
            )
        except KeyError as error:
            raise SqcliError(
                f"the ensemble was not made by generate of this sqcli: its attribute {error.args[0]} is missing"
            ) from None
        except (TypeError, ValueError, UsageError) as error:
            raise SqcliError(f"the ensemble's attributes do not describe a run of this sqcli: {error}") from None

    @cached_property
    def system(self) -> System:
        """Theory, lattice and precision."""
        return System(self.theory_instance, Lattice(self.lattice), self.dtype)

    @cached_property
    def streams(self) -> Streams:
        """Its random numbers."""
        return Streams(self.rng, self.identity, self.seed)

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
            "algorithm": self.algorithm,
            "algorithm_parameters": params.to_mapping(self.algorithm_instance),
            "seed": self.seed,
            "rng": self.rng,
            "every": self.every,
            "warmup": self.warmup,
            "start": self.start.attribute(),
        }

    def layout(self, draws: int) -> store.Layout:
        """Room for `draws` draws of each chain."""
        manifold, lattice = self.theory_instance.manifold, self.system.lattice
        names = (*self.algorithm_instance.stats(), "warmup_drift")
        draw_bytes = self.system.size * (8 if self.dtype == "float64" else 4)
        return store.Layout(
            field=manifold.field,
            site=manifold.site(lattice),
            site_dims=manifold.axes(lattice),
            dtype=self.dtype,
            stats={name: "int8" if name == "accepted" else "float64" for name in names},
            chains=self.chains,
            target_draws=draws,
            chain_group=store.default_chain_group(self.chains, draws, draw_bytes),
        )
