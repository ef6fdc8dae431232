"""Samplers that end in Metropolis-adjusted Langevin steps with the exact force: what they share.

Acceptance near one proves nothing; what counts is how long this last phase is against the autocorrelation times in it,
which are measured on a pilot population: then the draws are the wanted action's, whatever the network was trained for.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import euclidean
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Annealed, Process
from sqcli.diffusion.samplers._adjusted import Chains
from sqcli.diffusion.samplers._annealed import annealed_of
from sqcli.diffusion.samplers._base import MOST_STEPS, Drawn
from sqcli.diffusion.samplers._ladder import Ladder
from sqcli.diffusion.samplers._last_phase import last_phase
from sqcli.diffusion.samplers._observed import FieldObservables, LinkObservables
from sqcli.diffusion.samplers._relaxation import observe
from sqcli.diffusion.samplers._sectors import MOST_MOVES, Sectors, sectors_of
from sqcli.diffusion.samplers._step_size import step_of_field, step_of_links
from sqcli.diffusion.samplers._symmetry import sign_symmetric
from sqcli.errors import UsageError
from sqcli.exactness import Exactness
from sqcli.parameters import require_count
from sqcli.theories import SectorMoves, Theory

NUMBERS = 2**18  # of configurations that go through the network together, before the last phase is watched
LOOKS = 500  # at chains that are watched, at least, where there are so many steps


class Descent(NamedTuple):
    """Configurations that a network made, statistics of how it did, and their log weight where it is known, (n,)."""

    fields: Tensor
    stats: Mapping[str, Tensor]
    log_weight: Tensor | None = None


class Stretch(NamedTuple):
    """Chains after some steps, and how many were accepted, (n,) each: steps themselves, and moves between sectors."""

    chains: Chains
    moved: Tensor
    changed: Tensor


@dataclass(frozen=True)
class Adjusting(Ladder, ABC):
    """Base of samplers whose draws are the ends of short independent chains.

    Attributes:
        n_adjusted: steps against the true action.
        adjusted_step: size ε of the adjusted steps; auto: from the spectrum of the training data, or the curvature of
            the action of links, for acceptance near 0.7.
        adjusted_leapfrog: leapfrog steps √(2ε) of each adjusted step: 1 for Langevin, more for hybrid Monte Carlo,
            which relaxes long waves in fewer forces.
        sector_moves: each adjusted step is followed by a move between topological sectors, where the theory has one.
    """

    pilots: ClassVar[int] = 64
    n_steps: int = 60
    n_adjusted: int = 300
    adjusted_step: float | Literal["auto"] = "auto"
    adjusted_leapfrog: int = 1
    sector_moves: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("n_adjusted", self.n_adjusted, 0, MOST_STEPS)
        require_count("adjusted_leapfrog", self.adjusted_leapfrog, 1, MOST_STEPS)
        if self.adjusted_step != "auto" and self.adjusted_step <= 0:
            raise ValueError(f"adjusted_step must be positive, not {self.adjusted_step}")

    @abstractmethod
    def descend(self, process: Annealed, noise: Noise) -> Descent:
        """Follow the network down to configurations."""

    @property
    @abstractmethod
    def used(self) -> tuple[int, int]:
        """First numbers of the steps of `normal` and `uniform` that are left for the last phase."""

    def check(self, process: Process) -> None:
        """UsageError where the process has no score to follow, or there are too many moves between sectors."""
        annealed_of(process)
        if self.n_adjusted > MOST_MOVES and self._sectors(process):
            raise UsageError(f"at most {MOST_MOVES} adjusted steps with sector_moves, not {self.n_adjusted}")

    def stats(self, theory: Theory) -> tuple[str, ...]:
        """Names of further numbers: shares of accepted steps, their Langevin time, and what there was before them."""
        before = "magnetization_before" if theory.manifold.flat else "action_before"
        sectors = ("sector_acceptance",) if isinstance(theory, SectorMoves) else ()
        return ("acceptance_rate", "langevin_time", before, *sectors)

    def exactness(self, process: Process | None = None) -> Exactness:
        """State that draws are uncorrected as long as nothing is measured."""
        return Exactness("uncorrected", "annealed dynamics; the adjusted phase is not known to forget the network")

    @torch.no_grad()
    def measured(self, process: Process, noise: Noise) -> Exactness:
        """State draws as asymptotic where the adjusted phase lasts ten of the longest τ_int and no mean drifts.

        Observables are |M|, M², S and M itself, unless network and action are even: then signs are equally likely.
        Of links they are S, Polyakov loops and the charge, which must have changed.
        """
        own = self.exactness(process)
        if own.status != "uncorrected":
            return own
        if not self.n_adjusted:
            return Exactness("uncorrected", "annealed dynamics without steps that the exact force adjusts")
        every = max(self.n_adjusted // LOOKS, 1)
        descent = self._pilot(process, noise)
        population = (each.chains for each in self._stretches(process, noise, descent, every))
        first = next(population)
        seen = observe(chain([first], population), self._observables(process, first), every)
        return seen.exactness(self.time(process))

    def _pilot(self, process: Process, noise: Noise) -> Descent:
        """Follow the network down with a population, in parts that need little memory."""
        rows = max(NUMBERS // math.prod(noise.site), 1)
        parts = [replace(noise, draws=noise.draws[i : i + rows]) for i in range(0, len(noise.draws), rows)]
        return Descent(torch.cat([self.descend(annealed_of(process), part).fields for part in parts]), {})

    def _observables(self, process: Process, first: Chains) -> FieldObservables | LinkObservables:
        if not process.theory.manifold.flat:
            return LinkObservables(process.theory, process.lattice)
        denoiser = euclidean(process)
        return FieldObservables(odd=not sign_symmetric(denoiser, self.ladder(denoiser), first.fields))

    def size(self, process: Process) -> float:
        """Step ε of adjusted steps."""
        if self.adjusted_step != "auto":
            return self.adjusted_step
        if process.theory.manifold.flat:
            return step_of_field(euclidean(process), self.adjusted_leapfrog)
        return step_of_links(process.theory, process.lattice, self.adjusted_leapfrog)

    def time(self, process: Process) -> float:
        """Langevin time of an adjusted step: half the square of a trajectory's length."""
        return self.size(process) * self.adjusted_leapfrog**2

    @torch.no_grad()
    def draw(self, process: Process, noise: Noise) -> Drawn:
        """Run one chain for each row of `noise`."""
        descent = self.descend(annealed_of(process), noise)
        first, *others = self._stretches(process, noise, descent, max(self.n_adjusted, 1))
        chains, accepted, changed = others[-1] if others else first
        flat, start = process.theory.manifold.flat, first.chains
        before = start.fields.flatten(1).mean(1) if flat else start.action
        count, time = max(self.n_adjusted, 1), self.n_adjusted * self.time(process)
        found = (accepted / count, torch.full_like(before, time), before, changed / count)
        named = zip(Adjusting.stats(self, process.theory), found, strict=False)
        log_q = None if descent.log_weight is None else -chains.action - descent.log_weight
        return Drawn(chains.fields, log_q, {**dict(named), **descent.stats})

    def _stretches(self, process: Process, noise: Noise, descent: Descent, every: int) -> Iterator[Stretch]:
        """Yield the chains before the adjusted steps, and after every so many of them and what was accepted so far."""
        phase = last_phase(process, descent.fields, self.adjusted_leapfrog)
        sectors, size = self._sectors(process), self.size(process)
        normals, uniforms = self.used
        moved = changed = torch.zeros(len(descent.fields), dtype=torch.float64, device=descent.fields.device)
        yield Stretch(phase.chains, moved, changed)
        for i in range(self.n_adjusted):
            process.raise_if_stopped()
            moved = moved + phase.step(size, noise.normal(normals + i), noise.uniform(uniforms + i))
            if sectors:
                changed = changed + phase.change(sectors, noise, i)
            if (i + 1) % every == 0:
                yield Stretch(phase.chains, moved, changed)

    def back(self, process: Process, fields: Tensor, noise: Noise) -> Tensor:
        """Take configurations through the last phase in its reverse order, which keeps e^{−S} as well."""
        phase, sectors = last_phase(process, fields, self.adjusted_leapfrog), self._sectors(process)
        size, (normals, uniforms) = self.size(process), self.used
        for i in reversed(range(self.n_adjusted)):
            process.raise_if_stopped()
            if sectors:
                phase.change(sectors, noise, i)
            phase.step(size, noise.normal(normals + i), noise.uniform(uniforms + i))
        return phase.chains.fields

    def _sectors(self, process: Process) -> Sectors | None:
        return sectors_of(process.theory, process.lattice) if self.sector_moves else None
