"""Updates of a Markov chain between two proposals of an independence sampler: `hmc:2`, `wolff:1`.

Any update that leaves e^{−S} invariant may stand there. Each has a key of random numbers of its own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqcli import parameters as params
from sqcli import registry
from sqcli.errors import UsageError
from sqcli.lattice.philox import Stream
from sqcli.mcmc import Algorithm, State, System, Trace

FORM = re.compile(r"([a-z0-9_-]+)(?::([0-9]{1,6}))?")
REJECTION_FREE = ("wolff",)  # algorithms that leave the target invariant, also where they are not ergodic alone


@dataclass(frozen=True)
class Move:
    """Updates of an algorithm between two proposals."""

    name: str
    algorithm: Algorithm
    updates: int

    @classmethod
    def build(cls, algorithm: str, updates: int, parameters: Mapping[str, Any]) -> "Move":
        """Build a move from names and values; UsageError where they are not known."""
        name = registry.resolve("mcmc", algorithm)
        return cls(name, params.build(registry.load("mcmc", name), parameters, f"algorithm {name}"), int(updates))

    @property
    def statistic(self) -> str:
        """Name of the statistic of the move: the accepted fraction since the draw before, NaN where it has none."""
        return f"{self.name}_acceptance_rate"

    def attribute(self) -> dict[str, Any]:
        """Return the move as the root attributes state it and as `build` takes it."""
        return {"algorithm": self.name, "updates": self.updates, "parameters": params.to_mapping(self.algorithm)}

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError where the algorithm does not keep e^{−S} or cannot work on the system."""
        exactness = self.algorithm.exactness()
        if exactness.status != "exact" and self.name not in REJECTION_FREE:
            raise UsageError(f"--interleave {self.name}: it does not leave exp(-S) invariant ({exactness.reason})")
        self.algorithm.check(system, warmup)

    def first(self, system: System, field: Any, warmup: int) -> State:
        """Return the state of the algorithm before its first update."""
        return self.algorithm.init(system, field, warmup * self.updates)

    def __call__(self, system: System, state: State, field: Any, stream: Stream, tune: bool) -> tuple[State, Trace]:
        """Make all updates, from `field`; the trace holds the last."""
        return self.algorithm.step(system, replace(state, field=field), stream, self.updates, self.updates, tune)


def parse(texts: Sequence[str]) -> list[tuple[str, int]]:
    """Read the option --interleave, `["hmc:2,wolff"]` -> [("hmc", 2), ("wolff", 1)].

    Raises:
        UsageError: a text is malformed, an unknown algorithm, or one named twice.
    """
    found: list[tuple[str, int]] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        match = FORM.fullmatch(part)
        if not match or match[2] == "0":
            raise UsageError(f"--interleave takes ALGORITHM:UPDATES such as hmc:2, not {part!r}")
        name = registry.resolve("mcmc", match[1])
        if name in dict(found):
            raise UsageError(f"--interleave names {name} twice")
        found.append((name, int(match[2] or 1)))
    return found


def split(values: Mapping[str, Any], moves: Sequence[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Divide parameters into those of the sampler and those of each move (`hmc.step_size`).

    Raises:
        UsageError: parameters of an algorithm that is not interleaved.
    """
    own: dict[str, Any] = {}
    theirs: dict[str, dict[str, Any]] = {name: {} for name in moves}
    for key, value in values.items():
        name, dot, rest = key.partition(".")
        if not dot:
            own[key] = value
        elif name in theirs:
            theirs[name][rest] = value
        else:
            raise UsageError(f"-a {key}: {name} is not interleaved; add --interleave {name}")
    return own, theirs
