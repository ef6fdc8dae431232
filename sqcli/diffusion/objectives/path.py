"""Fine-tuning on the exact path weight: E (log w − ⟨log w⟩)², which is 0 for the exact reverse process alone.

log w = −S(φ) + Σ log forward − log q(path) is taken on paths of both kinds, noised data and the model's own, held
fixed: the gradient goes through the kernels' log densities only, so that it vanishes path by path at the optimum
(log-variance loss, 2005.05409). It uses the action and is not limited by the noise of denoising. Learnt along with the
network: the variances of the reverse kernels, within bounds, and the density of M.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from sqcli.diffusion.objectives._corrections import Corrections
from sqcli.diffusion.objectives._noising import GeneratorNumbers
from sqcli.diffusion.process.denoiser import Denoiser, euclidean
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.process.paths import ascend, descend, ladder, log_density
from sqcli.diffusion.process.protocol import Paths, Process


@dataclass(frozen=True)
class PathWeight:
    """Parameters of the training of one ladder of levels, the ladder of the sampler `path` with equal parameters.

    Attributes:
        n_steps: evaluations of the network in a path, as in the sampler `path`.
        level_min: noise level of the last evaluation; of links in units of the width of a plaquette.
        level_max: noise level of the first; 0 for the top that the sampler takes.
        model_fraction: share of paths that are the model's own; the others are noised data.
        bound: the logarithms of the variances stay within ± this of what was measured.
        huber: deviation of log w from which on the loss grows linearly.
    """

    n_steps: int = 20
    level_min: float = 0.3
    level_max: float = 0.0
    model_fraction: float = 0.5
    bound: float = 0.5
    huber: float = 1.0

    def __post_init__(self) -> None:
        if self.n_steps < 1 or min(self.level_min, self.bound, self.huber) <= 0 or self.level_max < 0:
            raise ValueError("n_steps, level_min, bound and huber must be positive, level_max not negative")
        if not 0 <= self.model_fraction <= 1:
            raise ValueError(f"model_fraction must be in [0, 1], not {self.model_fraction}")

    def loss(self, process: Process, x0: Tensor, generator: Generator, extra: nn.Module | None = None) -> Tensor:
        """Compute the loss per mode of y, (n,); log weights of a batch are centred together."""
        if isinstance(process, Paths):
            return self._loss_of_paths(process, x0, generator)
        denoiser = euclidean(process)
        if isinstance(extra, Corrections):
            denoiser = replace(denoiser, statistics=extra.corrected(denoiser.statistics))
        levels = ladder(denoiser, self.n_steps, self.level_min, self.level_max)
        with torch.no_grad():
            x, paths = self._paths(denoiser, x0, levels, generator)
        x, given, log_slow = denoiser.split(x)
        log_q = log_slow + log_density(denoiser, paths, given, levels)
        log_w = -denoiser.theory.action(denoiser.to_field(denoiser.join(x, given)), denoiser.lattice) - log_q
        return self._spread(log_w) / max(denoiser.freedoms, 1)

    def _loss_of_paths(self, process: Paths, x0: Tensor, generator: Generator) -> Tensor:
        """Compute the loss of links per degree of freedom: forward paths from data and from the model's own ends."""
        levels = process.ladder(self.n_steps, self.level_min, self.level_max)
        tangent = process.theory.manifold.tangent(process.lattice)
        own = round(self.model_fraction * len(x0))
        fields = x0
        if own:
            with torch.no_grad():
                drawn, _ = process.descend(GeneratorNumbers(own, tangent, x0.device, generator), levels)
            fields = torch.cat([drawn, x0[own:]])
        numbers = GeneratorNumbers(len(fields), tangent, x0.device, generator)
        log_q = process.log_density(fields, numbers, levels)
        return self._spread(-process.theory.action(fields, process.lattice) - log_q) / math.prod(tangent)

    def _spread(self, log_w: Tensor) -> Tensor:
        """Twice the Huber loss of log weights about their mean, (n,)."""
        centred = log_w - log_w.mean()
        return 2 * nn.functional.huber_loss(centred, torch.zeros_like(centred), reduction="none", delta=self.huber)

    def _paths(
        self, denoiser: Denoiser, x0: Tensor, levels: Tensor, generator: Generator
    ) -> tuple[Tensor, list[Tensor]]:
        """Draw paths y₀ … y_N of both kinds; their ends x, with the slow mode, and the paths."""
        own = round(self.model_fraction * len(x0))
        x, given, _ = denoiser.split(x0[own:])
        noised = ascend(denoiser, x, GeneratorNumbers(len(x), x.shape[1:], x.device, generator), levels)
        if not own:
            return x0, noised
        drawn, drawn_given, _ = descend(denoiser, GeneratorNumbers(own, x0.shape[1:], x0.device, generator), levels)
        ends = torch.cat([denoiser.join(drawn[0], drawn_given), denoiser.join(x, given)])
        return ends, [torch.cat(pair) for pair in zip(drawn, noised, strict=True)]

    def extra(self, process: Process) -> nn.Module | None:
        """Build corrections of the measured statistics of a real field."""
        if isinstance(process, Paths):
            return None
        denoiser = euclidean(process)
        levels = ladder(denoiser, self.n_steps, self.level_min, self.level_max)[1:]
        return Corrections(levels, denoiser.statistics, self.bound)

    def finish(self, extra: nn.Module, statistics: ModeStatistics) -> ModeStatistics:
        """Put the corrected statistics on the ladder; between its rungs the measured ones stay."""
        assert isinstance(extra, Corrections)
        with torch.no_grad():
            return extra.merged(statistics)
