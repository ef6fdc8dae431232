"""Run of an algorithm: all that determines the numbers of a generated ensemble, and the start of its chains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqcli import parameters as params
from sqcli import registry, store
from sqcli.errors import SqcliError
from sqcli.lattice.manifold import computing_dtype
from sqcli.mcmc import Algorithm
from sqcli.runs.execution.spec import EnsembleSpec, made_by, theory_of
from sqcli.runs.execution.streams import require_known


@dataclass(frozen=True)
class Start:
    """Start of chains: `hot`, `cold`, or the last of the first `draws` draws of another ensemble's chains."""

    kind: str
    ensemble: str | None = None
    identity: str | None = None
    draws: int | None = None

    def __str__(self) -> str:
        return self.ensemble or self.kind

    @classmethod
    def parse(cls, text: str) -> "Start":
        """Read a start from an option's text; SqcliError where its ensemble cannot be read or has no draws."""
        if text in ("hot", "cold"):
            return cls(text)
        source = store.open_ensemble(text)
        draws = source.common_draws()
        if draws == 0:
            raise SqcliError(f"{text}: no draw is committed yet to start from")
        return cls("ensemble", text, str(source.attrs.get("identity")), draws)

    @classmethod
    def from_attribute(cls, value: Any) -> "Start":
        """Read a start from the root attribute of an ensemble."""
        return cls(value) if isinstance(value, str) else cls("ensemble", **value)

    def attribute(self) -> Any:
        """Return the start as the root attributes state it."""
        if self.ensemble is None:
            return self.kind
        return {"ensemble": self.ensemble, "identity": self.identity, "draws": self.draws}

    def same(self, other: "Start") -> bool:
        """Tell whether both name the same start; an ensemble may have grown or moved since."""
        return (self.kind, self.identity) == (other.kind, other.identity)


@dataclass(frozen=True, kw_only=True)
class RunSpec(EnsembleSpec):
    """Run of an algorithm on a theory."""

    algorithm: str
    algorithm_instance: Algorithm
    start: Start

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
        """Build a run from names and values; UsageError where they do not fit together."""
        theory, instance = theory_of(theory, parameters)
        algorithm = registry.resolve("mcmc", algorithm)
        made: Algorithm = params.build(registry.load("mcmc", algorithm), algorithm_parameters, f"algorithm {algorithm}")
        spec = cls(
            theory=theory, theory_instance=instance, lattice=tuple(lattice), algorithm=algorithm,
            algorithm_instance=made, **rest,
        )  # fmt: skip
        spec.require_theory()
        spec.algorithm_instance.check(spec.system, spec.warmup)
        return spec

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any], chains: int, dtype: str) -> "RunSpec":
        """Read the run that wrote an ensemble; SqcliError where that was not an algorithm of this sqcli."""
        with made_by("generate", attributes):
            return cls.build(
                theory=attributes["theory"],
                parameters=attributes["parameters"],
                algorithm=attributes["algorithm"],
                algorithm_parameters=attributes["algorithm_parameters"],
                lattice=tuple(attributes["lattice"]),
                chains=chains,
                dtype=computing_dtype(dtype),
                start=Start.from_attribute(attributes["start"]),
                scheme=require_known(attributes["rng"]),
                **{name: int(attributes[name]) for name in ("warmup", "every", "seed")},
            )

    def stats(self) -> tuple[str, ...]:
        """Name the algorithm's statistics, and the drift of the warm-up."""
        return (*self.algorithm_instance.stats(), "warmup_drift")

    def method_attributes(self) -> dict[str, Any]:
        """State the algorithm, the scheme of its random numbers, and the start."""
        return {
            "algorithm": self.algorithm,
            "algorithm_parameters": params.to_mapping(self.algorithm_instance),
            "rng": self.scheme,
            "start": self.start.attribute(),
        }
