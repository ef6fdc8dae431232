"""Probability flow with its density: dy/d ln s = y − D, d log q/d ln s = −(N − tr ∂D/∂y) (2011.13456, 2309.17082 §3.3).

Runge–Kutta of fourth order in log s from N(0, G + s²_max) to s_min, then half a denoising step to s = 0 with its
Jacobian's determinant. Backwards the same map gives log q of any configuration.
"""

import copy
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser, denoiser_of, euclidean
from sqcli.diffusion.process.divergence import Divergence, divergence
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers._base import Drawn
from sqcli.diffusion.samplers._flow import Flow
from sqcli.diffusion.samplers._grid_check import exactness_of_trace, exactness_on_grid
from sqcli.diffusion.samplers._ladder import start, start_density, unhalve
from sqcli.diffusion.samplers._probing import Probing
from sqcli.exactness import Exactness


@dataclass(frozen=True)
class ProbabilityFlow(Probing):
    """Sampler that is deterministic given its start, with log q.

    Attributes:
        n_steps: steps of Runge–Kutta, each of four evaluations and two traces.
        tolerance: error allowed in adaptive steps, which each draw has of its own; 0: the fixed grid.
        precision: double: a copy of the network in float64; model: as it was trained.
    """

    pilots: ClassVar[int] = 2
    n_steps: int = 40
    tolerance: float = 0.0
    precision: Literal["double", "model"] = "double"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tolerance < 0:
            raise ValueError("tolerance must not be negative")

    def check(self, process: Process) -> None:
        """UsageError where the fields are links, or log q is wanted of pairs, which have no weights."""
        if not denoiser_of(process).theory.manifold.flat and self.trace not in ("auto", "none"):
            euclidean(process)

    def exactness(self, process: Process | None = None) -> Exactness:
        """State that draws are weighted with the exact trace only; `auto` needs the lattice to say."""
        return exactness_of_trace(self._trace(process))

    def measured(self, process: Process, noise: Noise) -> Exactness:
        """State that draws are weighted only where a grid twice as fine and the way back give the same log q."""
        own = self.exactness(process)
        return own if self._trace(process) == "none" else exactness_on_grid(self, euclidean(process), noise, own)

    @torch.no_grad()
    def draw(self, process: Process, noise: Noise) -> Drawn:
        """Draw one configuration for each row of `noise`."""
        denoiser = self._model(denoiser_of(process))
        level = self.ladder(denoiser)[0]
        given, log_q = denoiser.begin(noise.uniform(0))
        top = start(denoiser, noise.normal(0), level, given)
        divergence = self._divergence(denoiser, given, noise)
        field, gained = Flow(denoiser, given, divergence).descend(top, self.ladder(denoiser), self.tolerance)
        if divergence is None:
            return Drawn(field)
        log_q = log_q + start_density(denoiser, top, level, given)
        return Drawn(field, log_q - gained - denoiser.log_jacobian)

    def finer(self) -> "ProbabilityFlow":
        """Build the sampler with steps of half the width."""
        return replace(self, n_steps=2 * self.n_steps, tolerance=self.tolerance / 32)

    @torch.no_grad()
    def decode(self, denoiser: Denoiser, top: Tensor, given: Tensor | None) -> Tensor:
        """Follow starting points at s_max, (n, *extents), and their slow modes to configurations."""
        denoiser = self._model(denoiser)
        return Flow(denoiser, given, None).descend(top, self.ladder(denoiser), self.tolerance)[0]

    @torch.no_grad()
    def log_density(self, process: Process, fields: Tensor, noise: Noise) -> Tensor:
        """Log q of configurations, by the flow from s = 0 to s_max."""
        return self.encode(euclidean(process), fields, noise)[1]

    @torch.no_grad()
    def encode(self, denoiser: Denoiser, fields: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Follow configurations to their starting points at s_max, (n, *extents), with log q (0 for trace=none)."""
        denoiser, levels = self._model(denoiser), self.ladder(denoiser)
        x, given, log_q = denoiser.split(denoiser.from_field(fields))
        y = unhalve(denoiser, x, levels[-1], given)
        divergence = self._divergence(denoiser, given, noise)
        top, total = Flow(denoiser, given, divergence).follow(y, levels.flip(0), self.tolerance)
        if divergence is None:
            return top, torch.zeros_like(log_q)
        log_q = log_q + start_density(denoiser, top, levels[0], given) + total
        return top, log_q - divergence.log_halved(y, levels[-1]) - denoiser.log_jacobian

    def _model(self, denoiser: Denoiser) -> Denoiser:
        return denoiser if self.precision == "model" else replace(denoiser, net=copy.deepcopy(denoiser.net).double())

    def _divergence(self, denoiser: Denoiser, given: Tensor | None, noise: Noise) -> Divergence | None:
        kind = self._trace(denoiser)
        return None if kind == "none" else divergence(kind, denoiser, given, noise, self.distance, self.n_probes)

    def _trace(self, process: Process | None) -> str:
        """Trace that is meant for a process: none where the action is complex, and e^{−S} no density."""
        if process is not None and not process.theory.manifold.flat:
            return "none"
        return self.kind(process.lattice if process else None)
