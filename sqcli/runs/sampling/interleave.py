"""Updates of a Markov chain between two proposals of an independence sampler: `hmc:2`, `wolff:1`.

Any update that leaves e^{−S} invariant may stand there. Each has a key of random numbers of its own.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqcli import parameters as params
from sqcli.errors import UsageError
from sqcli.lattice.philox import Stream
from sqcli.mcmc import Member, State, System, Trace


@dataclass(frozen=True)
class Move(Member):
    """Updates of an algorithm between two proposals."""

    @property
    def statistic(self) -> str:
        """Name of the statistic of the move: the accepted fraction since the draw before, NaN where it has none."""
        return f"{self.name}_acceptance_rate"

    def attribute(self) -> dict[str, Any]:
        """Return the move as the root attributes state it and as `build` takes it."""
        return {"algorithm": self.name, "updates": self.updates, "parameters": params.to_mapping(self.algorithm)}

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError where the algorithm does not keep e^{−S} or cannot work on the system."""
        if not self.algorithm.keeps_target():
            reason = self.algorithm.exactness().reason
            raise UsageError(f"--interleave {self.name}: it does not leave exp(-S) invariant ({reason})")
        self.algorithm.check(system, warmup)

    def first(self, system: System, field: Any, warmup: int) -> State:
        """Return the state of the algorithm before its first update."""
        return self.algorithm.init(system, field, warmup * self.updates)

    def __call__(self, system: System, state: State, field: Any, stream: Stream, tune: bool) -> tuple[State, Trace]:
        """Make all updates, from `field`; the trace holds the last."""
        return self.algorithm.step(system, replace(state, field=field), stream, self.updates, self.updates, tune)
