"""Exact draws: every update is an independent configuration, for theories that know how to make one.

Theories of one variable invert their distribution function, the free field filters white noise with √G, gauge
theories in two dimensions draw plaquettes and closed lines given the torus, then a gauge. Nothing remembers the start,
so warm-up and updates between draws have no use; updates that are not kept are not computed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.philox import DRAW, Stream, fill_normal_rows
from sqcli.mcmc._base import Exactness, State, System, Trace, records, trace
from sqcli.theories import IndependentDraws, RestrictedDraws

BATCH = 2**19  # numbers held at a time


@dataclass(frozen=True)
class Exact:
    """Independent draws; they have no parameters."""

    def check(self, system: System, warmup: int) -> None:
        """Raise UsageError for a theory that cannot be drawn from."""
        if not isinstance(system.theory, IndependentDraws):
            raise UsageError(
                f"exact draws are not known for {type(system.theory).__name__}: only for free, u1, un and sun in two "
                "dimensions, and the theories of one variable; use hmc"
            )
        if isinstance(system.theory, RestrictedDraws):
            system.theory.require_independent(system.lattice)

    def exactness(self) -> Exactness:
        """Return `exact`: draws are independent."""
        return Exactness("exact", "independent draws from the distribution itself")

    def keeps_target(self) -> bool:
        """Return True: a draw is one from e^{−S}, whatever was there before."""
        return True

    def stats(self) -> tuple[str, ...]:
        """Names of statistics; there are none."""
        return ()

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the state before the first draw, with nothing to learn."""
        return State(field, 0, np.zeros(0))

    def step(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        """Make the draws at the multiples of `every`, and the one at the end."""
        theory, lattice = system.theory, system.lattice
        assert isinstance(theory, IndependentDraws)
        fields, _ = records(system, updates // every, 0)
        kept = state.update + every * np.arange(1, len(fields) + 1)
        numbers = np.append(kept, state.update + updates).astype(np.uint64)
        last, rows = state.field, max(1, BATCH // system.size)
        for first in range(0, len(numbers) if updates else 0, rows):
            normals = np.empty((len(numbers[first : first + rows]), system.size))
            fill_normal_rows("float64")(normals, numbers[first : first + rows], DRAW, stream.key)
            drawn = theory.manifold.planes(theory.independent(normals, lattice), lattice).reshape(-1, system.size)
            fields[first : first + rows] = drawn[: len(fields) - first]
            last = system.field(drawn[-1].astype(system.dtype))
        return state.after(updates, last), trace(system, fields, (), np.empty((len(fields), 0)))
