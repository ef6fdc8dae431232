"""Metropolis-adjusted annealed Langevin: down the ladder by the network's score, the last part by the action's force.

Per level n_langevin steps y ← y + ε ∇log p_s + √(2ε) z with ε = step_size · s², so ∝ (s/s_min)². From level_min on
(t_mh of the literature) the noise is taken away and n_adjusted steps follow of Langevin with the exact force, accepted
with min(1, e^{−ΔS} q(φ|φ')/q(φ'|φ)) (MALA): a Markov chain of the wanted action, whatever the network was trained for.
Acceptance near one proves nothing; what counts is how long the adjusted phase is against the autocorrelation times
in it, which are measured on a pilot population.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser, euclidean
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers._adjusted import Chains, adjusted
from sqcli.diffusion.samplers._base import MOST_STEPS, Drawn
from sqcli.diffusion.samplers._ladder import LadderSampler, Rung
from sqcli.diffusion.samplers._relaxation import observe
from sqcli.diffusion.samplers._symmetry import sign_symmetric
from sqcli.exactness import Exactness
from sqcli.parameters import require_count
from sqcli.theories import Theory

SPREAD = 0.64  # variance of log acceptance ratios aimed at: 69 % accepted


@dataclass(frozen=True)
class AdjustedLangevin(LadderSampler):
    """Sampler whose draws are the ends of short independent chains.

    Attributes:
        n_langevin: unadjusted steps per level.
        step_size: size ε of the unadjusted steps, in units of s².
        n_adjusted: steps against the true action.
        adjusted_step: size ε of the adjusted steps, in units of φ²; auto: from the spectrum of the training data, for
            acceptance near 0.7.
    """

    pilots: ClassVar[int] = 64
    n_steps: int = 60
    n_langevin: int = 5
    step_size: float = 0.3
    n_adjusted: int = 300
    adjusted_step: float | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("n_langevin", self.n_langevin, 1, MOST_STEPS)
        require_count("n_adjusted", self.n_adjusted, 0, MOST_STEPS)
        if self.step_size <= 0:
            raise ValueError(f"step_size must be positive, not {self.step_size}")
        if self.adjusted_step != "auto" and self.adjusted_step <= 0:
            raise ValueError(f"adjusted_step must be positive, not {self.adjusted_step}")

    def stats(self, theory: Theory) -> tuple[str, ...]:
        """Names of further numbers: share of accepted steps, their Langevin time, and the magnetisation before them."""
        return ("acceptance_rate", "langevin_time", "magnetization_before")

    def exactness(self, process: Process | None = None) -> Exactness:
        """State that draws are uncorrected as long as nothing is measured."""
        return Exactness("uncorrected", "annealed Langevin; the adjusted phase is not known to forget the network")

    @torch.no_grad()
    def measured(self, process: Process, noise: Noise) -> Exactness:
        """State draws as asymptotic where the adjusted phase lasts ten of the longest τ_int and no mean drifts.

        Observables are |M|, M², S and M itself, unless network and action are even: then signs are equally likely.
        """
        if not self.n_adjusted:
            return Exactness("uncorrected", "annealed Langevin without adjusted steps")
        denoiser = euclidean(process)
        population = (chains for chains, _ in self._steps(denoiser, noise))
        first = next(population)
        odd = not sign_symmetric(denoiser, self.ladder(denoiser), first.fields)
        return observe(chain([first], population), odd).exactness(self.size(denoiser))

    def size(self, denoiser: Denoiser) -> float:
        """Step ε of adjusted steps: for a Gaussian with precisions k, log ratios have the variance (2ε)³ Σ k³/16."""
        if self.adjusted_step != "auto":
            return self.adjusted_step
        stiffness = denoiser.mask / (denoiser.scale**2 * denoiser.spectrum(None))
        return 0.5 * math.cbrt(16 * SPREAD / float((stiffness**3).sum()))

    def step(self, rung: Rung, y: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Take Langevin steps at the lower level."""
        for i in range(self.n_langevin):
            kick = rung.low * (2 * self.step_size) ** 0.5 * rung.normal(self.n_langevin, i)
            y = y + self.step_size * (rung.denoise(y, rung.low) - y) + kick
        return y, memory

    @torch.no_grad()
    def draw(self, process: Process, noise: Noise) -> Drawn:
        """Run one chain for each row of `noise`."""
        denoiser = euclidean(process)
        steps = self._steps(denoiser, noise)
        chains, accepted = next(steps)
        before = chains.fields.flatten(1).mean(1)
        for now, moved in steps:
            chains, accepted = now, accepted + moved
        stats = {"acceptance_rate": accepted / max(self.n_adjusted, 1), "magnetization_before": before}
        time = self.n_adjusted * self.size(denoiser)
        return Drawn(chains.fields, None, stats | {"langevin_time": torch.full_like(before, time)})

    def _steps(self, denoiser: Denoiser, noise: Noise) -> Iterator[tuple[Chains, Tensor]]:
        """Yield the chains before and after each adjusted step, and which of them moved, (n,)."""
        theory, lattice, size = denoiser.theory, denoiser.lattice, self.size(denoiser)
        chains = Chains.at(theory, lattice, super().draw(denoiser, noise).fields)
        yield chains, torch.zeros_like(chains.action)
        for i in range(self.n_adjusted):
            denoiser.raise_if_stopped()
            normal = noise.normal(1 + self.n_steps * self.n_langevin + i)
            chains, moved = adjusted(theory, lattice, chains, size, normal, noise.uniform(1 + i))
            yield chains, moved
