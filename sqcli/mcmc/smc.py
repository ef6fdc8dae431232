"""Sequential Monte Carlo: populations annealed from an exactly drawn Gaussian to e^{−S}, with weights that know Z.

Annealed importance sampling (Neal, physics/9803008) with resampling (Del Moral, Doucet and Jasra, J. R. Stat. Soc. B
68, 411, 2006); in lattice field theory 2511.15196. The draws of a chain are the particles of one population after
another. ⟨e^{log_weight}⟩ over all of them is an unbiased estimate of Z = ∫ e^{−S}; expectation values are weighted
means.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError, UsageError
from sqcli.lattice.philox import Stream
from sqcli.mcmc import _trajectory
from sqcli.mcmc._annealing import MOVES, PARTICLES, POPULATIONS, TEMPERATURES
from sqcli.mcmc._base import Exactness, State, System, Trace, records, trace
from sqcli.mcmc._cache import Recent
from sqcli.mcmc._population import FIRST_MOVES, Annealing, Moves, Population, Temperatures, anneal, pilot
from sqcli.parameters import require_count
from sqcli.theories import GaussianReference

STATS = ("log_weight", "action", "acceptance_rate", "step_size", "population")
HELD = 256 * 2**20  # bytes of populations that are kept, because draws are asked for piece by piece


@dataclass(frozen=True)
class SMC(_trajectory.MolecularDynamics):
    """Sequential Monte Carlo with one particle an update.

    Populations are complete where `draws` times `every` is a multiple of `particles`.

    Attributes:
        particles: number of them in a population.
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
        """Raise UsageError for a theory without a Gaussian to start from."""
        if not isinstance(system.theory, GaussianReference):
            raise UsageError(f"smc needs a Gaussian reference, which {type(system.theory).__name__} does not have")

    def exactness(self) -> Exactness:
        """Return `weighted`: draws carry weights whose mean is Z."""
        return Exactness("weighted", "annealed from a Gaussian; exp(log_weight) has the mean Z = integral of exp(-S)")

    def keeps_target(self) -> bool:
        """Return False: populations carry weights."""
        return False

    def stats(self) -> tuple[str, ...]:
        """Names of the statistics: a particle's weight and action, its population's acceptance, last step, number."""
        return STATS

    def init(self, system: System, field: NDArray[Any], warmup: int) -> State:
        """Build the first state; its record holds the length of the warm-up, in which there is nothing to do."""
        return State(field, 0, np.array([float(warmup)]))

    def step(
        self, system: System, state: State, stream: Stream, updates: int, every: int, tune: bool
    ) -> tuple[State, Trace]:
        """Take the next particles of the populations, each a pure function of key, chain and its number."""
        fields, stats = records(system, updates // every, len(STATS))
        for row in range(len(fields)):
            fields[row], stats[row] = self._particle(system, state, stream, (row + 1) * every)
        last = self._particle(system, state, stream, updates)[0] if updates else state.field
        return state.after(updates, last.reshape(state.field.shape).copy()), trace(system, fields, STATS, stats)

    def _particle(self, system: System, state: State, stream: Stream, ahead: int) -> tuple[NDArray[Any], Any]:
        """Field and statistics of the particle `ahead` updates on; in the warm-up the start, without statistics."""
        number, particle = divmod(state.update + ahead - int(state.tuning[0]) - 1, self.particles)
        if number < 0:
            return state.field.reshape(-1), np.nan
        if number >= POPULATIONS - 1:
            raise SqcliError(f"smc numbers {POPULATIONS - 1} populations of a chain at most; use more particles")
        key = (system, stream, number)
        found = self._held.get(key, partial(self._population, *key))
        step = self._temperatures(system, stream.run).step[-1]
        values = (found.log_weight[particle], found.action[particle], found.acceptance, step, number)
        return found.particles[particle], values

    @cached_property
    def _held(self) -> Recent[Population]:
        """Populations in use, shared by the chains that this instance makes."""
        return Recent(HELD, lambda found: found.particles.nbytes + 2 * found.action.nbytes)

    def _population(self, system: System, stream: Stream, number: int) -> Population:
        annealing = Annealing.begin(system, stream, number, self.particles, self._moves)
        return anneal(annealing, self._temperatures(system, stream.run), self.ess_threshold)

    def _temperatures(self, system: System, run: int) -> Temperatures:
        target = self.target_acceptance if self.step_size == "auto" else None
        count = None if self.temperatures == "auto" else self.temperatures
        return pilot(system, run, self.particles, self._moves, count, self.overlap, self.first_step, target)

    @property
    def _moves(self) -> Moves:
        return Moves(self.moves, self.integrator, self.n_steps, self.jitter)
