"""Sequential Monte Carlo: populations annealed from an exactly drawn Gaussian to e^{−S}, with weights that know Z.

Annealed importance sampling (Neal, physics/9803008) with resampling (Del Moral, Doucet and Jasra, J. R. Stat. Soc. B
68, 411, 2006); in lattice field theory 2511.15196. The draws of a chain are the particles of one population after
another. ⟨e^{log_weight}⟩ over all of them is an unbiased estimate of Z = ∫ e^{−S}; expectation values are weighted
means.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError, UsageError
from sqcli.lattice.philox import Stream
from sqcli.mcmc import _trajectory
from sqcli.mcmc._annealing import MOVES, PARTICLES, POPULATIONS, TEMPERATURES
from sqcli.mcmc._base import Exactness, State, System, Trace, records, trace
from sqcli.mcmc._cache import Recent
from sqcli.mcmc._integrators import splitting
from sqcli.mcmc._population import FIRST_MOVES, Annealing, Ladder, Population, anneal, pilot
from sqcli.parameters import require_count
from sqcli.theories import GaussianReference

STATS = ("log_weight", "action", "acceptance_rate", "step_size", "population")
PILOT_CHAIN = 2**32 - 1  # whose random numbers the pilot uses; no chain has this number
HELD = 256 * 2**20  # bytes of populations that are kept, because draws are asked for piece by piece

_populations: Recent[Population] = Recent(HELD, lambda found: found.particles.nbytes + 2 * found.action.nbytes)
_ladders: Recent[Ladder] = Recent(2**20, lambda found: 2 * found.beta.nbytes)


@dataclass(frozen=True)
class SMC(_trajectory.MolecularDynamics):
    """One update is one particle; populations are complete where `draws` times `every` is a multiple of `particles`.

    Attributes:
        particles: of a population.
        temperatures: equal steps from the Gaussian to S, or "auto": as many as `overlap` needs, by a pilot.
        overlap: effective share of the particles between neighbouring temperatures.
        moves: trajectories of each particle at each temperature.
        ess_threshold: effective share of the particles below which they are resampled.
    """

    particles: int = 256
    temperatures: int | Literal["auto"] = "auto"
    overlap: float = 0.9
    moves: int = 1
    ess_threshold: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        most = TEMPERATURES - 2 - FIRST_MOVES
        require_count("particles", self.particles, 1, PARTICLES)
        require_count("moves", self.moves, 1, MOVES)
        if self.temperatures != "auto":
            require_count("temperatures", self.temperatures, 1, most)
        if not 0 < self.overlap < 1 or not 0 <= self.ess_threshold <= 1:
            raise ValueError("overlap must be in (0, 1) and ess_threshold in [0, 1]")

    def check(self, system: System, warmup: int) -> None:
        """The theory must have a Gaussian to start from."""
        if not isinstance(system.theory, GaussianReference):
            raise UsageError(f"smc needs a Gaussian reference, which {type(system.theory).__name__} does not have")

    def exactness(self) -> Exactness:
        """Weighted."""
        return Exactness("weighted", "annealed from a Gaussian; exp(log_weight) has the mean Z = integral of exp(-S)")

    def stats(self) -> tuple[str, ...]:
        """Weights and actions of the particles; of their population the acceptance, the last step and the number."""
        return STATS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """The record holds the length of the warm-up, in which there is nothing to do."""
        return State(field, 0, np.array([float(warmup)]))

    def step(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        """Particles of the populations, each a pure function of key, chain and its number."""
        fields, stats = records(system, updates // every, len(STATS))
        for row in range(len(fields)):
            fields[row], stats[row] = self._particle(system, state, stream, (row + 1) * every)
        last = self._particle(system, state, stream, updates)[0] if updates else state.field
        return state.after(updates, last.reshape(state.field.shape).copy()), trace(system, fields, STATS, stats)

    def _particle(self, system: System, state: State, stream: Stream, ahead: int) -> tuple[NDArray[Any], Any]:
        """Field and statistics `ahead` updates on; the start itself in the warm-up."""
        number, particle = divmod(state.update + ahead - int(state.tuning[0]) - 1, self.particles)
        if number < 0:
            return state.field.reshape(-1), np.nan
        if number >= POPULATIONS - 1:
            raise SqcliError(f"smc numbers {POPULATIONS - 1} populations of a chain at most; use more particles")
        key = (self, system, stream, number)
        found = _populations.get(key, partial(self._population, system, stream, number))
        step = self._ladder(system, stream.run).step[-1]
        values = (found.log_weight[particle], found.action[particle], found.acceptance, step, number)
        return found.particles[particle], values

    def _population(self, system: System, stream: Stream, number: int) -> Population:
        return anneal(self._begin(system, stream, number), self._ladder(system, stream.run), self.ess_threshold)

    def _ladder(self, system: System, run: int) -> Ladder:
        """The pilot's, the same for all chains."""
        target = self.target_acceptance if self.step_size == "auto" else None
        given = None if self.temperatures == "auto" else self.temperatures

        def find() -> Ladder:
            start = self._begin(system, Stream(run, PILOT_CHAIN), POPULATIONS - 1)
            return pilot(start, given, self.overlap, self.first_step, target)

        return _ladders.get((self, system, run), find)

    def _begin(self, system: System, stream: Stream, number: int) -> Annealing:
        moves = splitting(self.integrator, self.n_steps)
        return Annealing.begin(system, stream, number, self.particles, self.moves, moves, self.jitter)
