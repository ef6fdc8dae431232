"""Run that makes an ensemble, and its identity: the theory, the lattice and all else that determines its numbers.

identity = SHA-256 of the sorted JSON of what a run's attributes state: theory, parameters, lattice, algorithm or method
with its parameters (`auto` stays `auto`), dtype, every, warmup, start, seed, scheme of random numbers and format
version. How much of the run is wanted (chains, draws) and how it is computed (workers, device, code version) are not
part of the name.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqcli import parameters as params
from sqcli import registry, store
from sqcli.errors import SqcliError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.mcmc import System
from sqcli.runs.execution.streams import SCHEME, Streams
from sqcli.theories import Theory

MAX_SITES = 2**31  # indices of random numbers and neighbours are 32-bit words
IMPORTED = "imported"  # stands for the algorithm where the draws are another code's
STATE_BYTES = 1024  # room in a checkpoint for the state of a chain beside its field


@dataclass(frozen=True, kw_only=True)
class EnsembleSpec(ABC):
    """Run that makes an ensemble, by an algorithm or by a sampler.

    Attributes:
        warmup: number of updates, or proposals, that are discarded first.
        every: updates per draw.
        scheme: name of the scheme of random numbers.
    """

    theory: str
    theory_instance: Theory
    lattice: tuple[int, ...]
    chains: int
    seed: int
    warmup: int = 0
    every: int = 1
    dtype: str = "float64"
    scheme: str = SCHEME

    @abstractmethod
    def stats(self) -> tuple[str, ...]:
        """Name the numbers that are recorded of each draw."""

    @abstractmethod
    def method_attributes(self) -> dict[str, Any]:
        """Return the root attributes that say how the draws are made."""

    @property
    def state_bytes(self) -> int:
        """Bytes of room for the state of a chain beside its field."""
        return STATE_BYTES

    @cached_property
    def system(self) -> System:
        """Theory, lattice and precision."""
        return System(self.theory_instance, Lattice(self.lattice), self.dtype)

    @property
    def stored_dtype(self) -> str:
        """Type of a configuration's numbers on disk."""
        return self.theory_instance.manifold.stored(self.dtype)

    @cached_property
    def streams(self) -> Streams:
        """Streams of random numbers of the run."""
        return Streams(self.scheme, self.identity, self.seed)

    @property
    def identity(self) -> str:
        """Name of the run: 64 hexadecimal digits."""
        return store.identity_of(self.attributes(), self.stored_dtype)

    def attributes(self) -> dict[str, Any]:
        """Return the root attributes that say what the run is."""
        return {
            "theory": self.theory,
            "parameters": params.to_mapping(self.theory_instance),
            "lattice": list(self.lattice),
            "boundary": "periodic",
            "action_convention": self.theory_instance.formula,
            "seed": self.seed,
            "every": self.every,
            "warmup": self.warmup,
            **self.method_attributes(),
        }

    def layout(self, draws: int) -> store.Layout:
        """Lay out the ensemble's arrays, with room for `draws` draws of each chain."""
        manifold, lattice = self.theory_instance.manifold, self.system.lattice
        draw_bytes = self.system.size * (8 if self.dtype == "float64" else 4)
        return store.Layout(
            field=manifold.field,
            site=manifold.site(lattice),
            site_dims=manifold.axes(lattice),
            dtype=self.stored_dtype,
            stats={name: "int8" if name == "accepted" else "float64" for name in self.stats()},
            chains=self.chains,
            target_draws=draws,
            chain_group=store.default_chain_group(self.chains, draws, draw_bytes),
            rng_bytes=self.state_bytes,
        )

    def require_theory(self) -> None:
        """Raise UsageError where the theory does not exist on the lattice, or the lattice is too large."""
        self.theory_instance.check(self.system.lattice)
        if self.system.size >= MAX_SITES:
            raise UsageError(f"a lattice of {self.system.lattice} is too large: {MAX_SITES} degrees of freedom at most")


def theory_of(name: str, parameters: Mapping[str, Any]) -> tuple[str, Theory]:
    """Find name and instance of a theory by what a user typed; UsageError where there is none like that."""
    name = registry.resolve("theories", name)
    instance: Theory = params.build(registry.load("theories", name), parameters, f"theory {name}")
    return name, instance


@contextlib.contextmanager
def made_by(command: str, attributes: Mapping[str, Any]) -> Iterator[None]:
    """Guard the reading of a run from the root attributes of the ensemble that it wrote.

    Raises:
        SqcliError: the ensemble was made by another one of `generate`, `sample` (it has a model then) and `import`, or
            its attributes do not describe a run of this sqcli.
    """
    made = "sample" if "model" in attributes else "generate"
    if attributes.get("algorithm") == IMPORTED:
        raise SqcliError(
            "the ensemble was imported from another code, which alone can go on with it; choose another name "
            "(--start takes its last configurations), or --force to erase it"
        )
    if made != command and ("model" in attributes or "start" in attributes):
        raise SqcliError(
            f"the ensemble was not made by {command} of this sqcli but by {made}; "
            "choose another name, or --force to erase it"
        )
    try:
        yield
    except KeyError as error:
        reason = f"its attribute {error.args[0]} is missing"
        raise SqcliError(f"the ensemble was not made by {command} of this sqcli: {reason}") from None
    except (TypeError, ValueError, UsageError) as error:
        raise SqcliError(f"the ensemble's attributes do not describe a run of this sqcli: {error}") from None
