"""Population of sequential Monte Carlo: annealed importance sampling with resampling, and its temperatures.

Between neighbouring β the particles gain the weight e^{−Δβ (S − S₀)}; where the effective sample size falls below a
threshold they are resampled systematically; then trajectories move them at the new β. With β and step sizes fixed
beforehand the mean weight Ẑ is an unbiased estimate of Z (Neal, physics/9803008; Del Moral, Doucet and Jasra, 2006).
They are fixed by a pilot population, which no draw comes from: the next β is where the conditional effective sample
size is `overlap` of the particles (Zhou, Johansen and Aston, 1303.3123), the step follows the acceptance.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.philox import DRAW, RESAMPLE, Stream, fill_normal_rows, fill_uniforms
from sqcli.mcmc import _annealing
from sqcli.mcmc._actions import actions
from sqcli.mcmc._annealing import POPULATIONS, TEMPERATURES, counter
from sqcli.mcmc._base import System
from sqcli.mcmc._integrators import Integrator, splitting
from sqcli.theories import gaussian

Array = NDArray[np.float64]
FIRST_MOVES = 16  # rounds of trajectories in which the pilot learns its first step
GAIN = 2.0  # step ← step · e^{GAIN (acceptance − target)}
PILOT_CHAIN = 2**32 - 1  # whose random numbers the pilot uses; no chain has this number


@dataclass(frozen=True)
class Temperatures:
    """β and step size of each temperature, (T,) each; the last β is 1."""

    beta: Array
    step: Array


@dataclass(frozen=True)
class Moves:
    """Trajectories that each particle makes at a temperature: how many, and by which molecular dynamics."""

    count: int
    integrator: Integrator
    n_steps: int
    jitter: float


@dataclass(frozen=True)
class Population:
    """Particles (P, size) in random order, with log(P W_i) + log Ẑ, S and the mean acceptance of the trajectories."""

    particles: NDArray[Any]
    log_weight: Array
    action: Array
    acceptance: float


@dataclass
class Annealing:
    """Population between two temperatures: `log_z` was gathered by resampling, `log_weight` was gained since."""

    system: System
    stream: Stream
    number: int
    moves: Moves
    particles: NDArray[Any]
    log_weight: Array
    log_z: float

    @classmethod
    def begin(cls, system: System, stream: Stream, number: int, count: int, moves: Moves) -> "Annealing":
        """Draw `count` particles from the Gaussian e^{−S₀}, whose Z is known."""
        spectrum = system.reference[1]
        updates = np.uint64(counter(number, 0)) + np.arange(count, dtype=np.uint64)
        normals = np.empty((count, system.size))
        fill_normal_rows("float64")(normals, updates, DRAW, stream.key)
        drawn = gaussian.coloured(normals.reshape(count, *spectrum.shape), spectrum)
        particles = np.ascontiguousarray(drawn.reshape(count, -1), dtype=system.dtype)
        log_z = gaussian.log_partition(spectrum)
        return cls(system, stream, number, moves, particles, np.zeros(count), log_z)

    def differences(self) -> Array:
        """S − S₀ of every particle."""
        start = actions(self.system, self.particles, self.system.reference[0])
        return actions(self.system, self.particles) - start

    def move(self, temperature: int, beta: float, step: float) -> float:
        """Move the particles by trajectories at β; returns their acceptance."""
        system, dtype, moves = self.system, self.system.dtype, self.moves
        couplings = (1 - beta) * system.reference[0] + beta * system.couplings
        rate: float = _annealing.move(dtype)(
            system.theory.flow(dtype), system.theory.finish(dtype), self.particles, system.buffers(4),
            system.geometry, couplings, self.stream.key, counter(self.number, temperature), moves.count,
            *splitting(moves.integrator, moves.n_steps), step, moves.jitter,
        )  # fmt: skip
        return rate

    def resample(self, temperature: int, threshold: float) -> None:
        """Resample systematically where the effective sample size is below `threshold` of the particles."""
        weight, log_mean = normalised(self.log_weight)
        if 1 / (weight @ weight) >= threshold * len(weight):
            return
        offset = self.uniforms(temperature, 1)[0]
        edges = np.cumsum(weight)
        chosen = np.searchsorted(edges / edges[-1], (offset + np.arange(len(weight))) / len(weight), side="right")
        self.particles = np.ascontiguousarray(self.particles[chosen])
        self.log_weight, self.log_z = np.zeros(len(weight)), self.log_z + log_mean

    def uniforms(self, temperature: int, count: int) -> Array:
        """Draw numbers in [0, 1) for all but the trajectories."""
        out = np.empty(count)
        fill_uniforms("float64")(out, counter(self.number, temperature), RESAMPLE, self.stream.key)
        return out


def normalised(log_weight: Array) -> tuple[Array, float]:
    """Weights of sum 1, and the log of the mean of e^{log_weight}."""
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum(), float(log_weight.max() + np.log(weight.mean()))


def anneal(annealing: Annealing, temperatures: Temperatures, threshold: float) -> Population:
    """Take a population through all temperatures and shuffle it, so that any of its particles stand for all."""
    beta, rates = 0.0, []
    for t, (lower, step) in enumerate(zip(temperatures.beta, temperatures.step, strict=True), start=1):
        annealing.log_weight = annealing.log_weight - (lower - beta) * annealing.differences()
        annealing.resample(t, threshold)
        rates.append(annealing.move(t, lower, step))
        beta = lower
    order = np.argsort(annealing.uniforms(TEMPERATURES - 1, len(annealing.particles)), kind="stable")
    action = actions(annealing.system, annealing.particles)
    log_weight = annealing.log_z + annealing.log_weight
    return Population(annealing.particles[order], log_weight[order], action[order], float(np.mean(rates)))


@lru_cache(maxsize=8)  # chains of a run, and runs that extend it in the same process, share these few numbers
def pilot(
    system: System,
    run: int,
    particles: int,
    moves: Moves,
    count: int | None,
    overlap: float,
    step: float,
    target: float | None,
) -> Temperatures:
    """Find the temperatures of the run `run` by a population of its own, the same whichever chain asks.

    Args:
        system: theory, lattice and precision.
        run: key of the run's random numbers.
        particles: of a population.
        moves: trajectories of a particle at a temperature.
        count: equal steps of β; None: as many as `overlap` needs.
        overlap: effective share of the particles between neighbouring temperatures.
        step: the first step size.
        target: acceptance that the step size follows; None: it stays.
    """
    annealing = Annealing.begin(system, Stream(run, PILOT_CHAIN), POPULATIONS - 1, particles, moves)
    beta, found = 0.0, []
    for t in range(1, FIRST_MOVES + 1):
        step = _followed(step, annealing.move(TEMPERATURES - 1 - t, 0.0, step), target)
    last = TEMPERATURES - 2 - FIRST_MOVES
    for t in range(1, last + 1):
        differences = annealing.differences()
        lower = t / count if count else _next_beta(differences, annealing.log_weight, beta, overlap)
        lower = 1.0 if t in (count, last) else lower
        annealing.log_weight = annealing.log_weight - (lower - beta) * differences
        annealing.resample(t, 0.5)
        found.append((lower, step))
        step = _followed(step, annealing.move(t, lower, step), target)
        beta = lower
        if beta >= 1:
            break
    return Temperatures(*np.array(found).T)


def _followed(step: float, acceptance: float, target: float | None) -> float:
    return step if target is None else step * float(np.exp(GAIN * (acceptance - target)))


def _next_beta(differences: Array, log_weight: Array, beta: float, overlap: float) -> float:
    """Find the β that leaves `overlap` of the particles effective, by bisection; 1 where even that leaves more."""
    weight, _ = normalised(log_weight)

    def effective(to: float) -> float:
        gain = np.exp(-(to - beta) * (differences - differences.min()))
        return float((weight @ gain) ** 2 / (weight @ gain**2))

    if effective(1.0) >= overlap:
        return 1.0
    low, high = beta, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(middle) >= overlap else (low, middle)
    return high
