"""Fine-tuning on the exact path weight: E (log w − ⟨log w⟩)², which is 0 for the exact reverse process alone.

log w = −S(φ) + Σ log forward − log q(path) is taken on paths of both kinds, noised data and the model's own, held
fixed: the gradient goes through the kernels' log densities only, so that it vanishes path by path at the optimum
(log-variance loss, 2005.05409). It uses the action and is not limited by the noise of denoising. Learnt along with the
network: the variances of the reverse kernels, within bounds, and the density of M.
"""

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from sqcli.diffusion.process.denoiser import Denoiser, euclidean
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.diffusion.process.paths import ascend, descend, ladder, log_density
from sqcli.diffusion.process.protocol import Process

SLOW_HEAD = 3  # numbers of the slow mode's density that come before its coefficients


@dataclass(frozen=True)
class PathWeight:
    """Parameters of the training of one ladder of levels, the ladder of the sampler `path` with equal parameters.

    Attributes:
        n_steps: evaluations of the network in a path, as in the sampler `path`.
        level_min: noise level of the last evaluation.
        level_max: noise level of the first; 0 for three standard deviations of the widest mode.
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
        denoiser = euclidean(process)
        if isinstance(extra, _Corrections):
            denoiser = replace(denoiser, statistics=extra.corrected(denoiser.statistics))
        levels = ladder(denoiser, self.n_steps, self.level_min, self.level_max)
        with torch.no_grad():
            x, paths = self._paths(denoiser, x0, levels, generator)
        x, given, log_slow = denoiser.split(x)
        log_q = log_slow + log_density(denoiser, paths, given, levels)
        log_w = -denoiser.theory.action(denoiser.to_field(denoiser.join(x, given)), denoiser.lattice) - log_q
        centred = log_w - log_w.mean()
        loss = nn.functional.huber_loss(centred, torch.zeros_like(centred), reduction="none", delta=self.huber)
        return 2 * loss / max(denoiser.freedoms, 1)

    def _paths(
        self, denoiser: Denoiser, x0: Tensor, levels: Tensor, generator: Generator
    ) -> tuple[Tensor, list[Tensor]]:
        """Draw paths y₀ … y_N of both kinds; their ends x, with the slow mode, and the paths."""
        own = round(self.model_fraction * len(x0))
        x, given, _ = denoiser.split(x0[own:])
        noised = ascend(denoiser, x, _GeneratorNumbers(x, generator), levels)
        if not own:
            return x0, noised
        drawn, drawn_given, _ = descend(denoiser, _GeneratorNumbers(x0[:own], generator), levels)
        ends = torch.cat([denoiser.join(drawn[0], drawn_given), denoiser.join(x, given)])
        return ends, [torch.cat(pair) for pair in zip(drawn, noised, strict=True)]

    def extra(self, process: Process) -> nn.Module:
        """Build corrections of the measured statistics."""
        denoiser = euclidean(process)
        levels = ladder(denoiser, self.n_steps, self.level_min, self.level_max)[1:]
        return _Corrections(levels, denoiser.statistics, self.bound)

    def finish(self, extra: nn.Module, statistics: ModeStatistics) -> ModeStatistics:
        """Put the corrected statistics on the ladder; between its rungs the measured ones stay."""
        assert isinstance(extra, _Corrections)
        with torch.no_grad():
            return extra.merged(statistics)


@dataclass(frozen=True)
class _GeneratorNumbers:
    """Random numbers of a generator, in the shape of `like`."""

    like: Tensor
    generator: Generator

    def normal(self, step: int) -> Tensor:
        return torch.randn(self.like.shape, dtype=torch.float64, device=self.like.device, generator=self.generator)

    def uniform(self, step: int) -> Tensor:
        return torch.rand(len(self.like), dtype=torch.float64, device=self.like.device, generator=self.generator)


class _Corrections(nn.Module):
    """Ratios on the rungs and coefficients of the density of M, relative to the measured ones."""

    levels: Tensor
    ratio: Tensor

    def __init__(self, levels: Tensor, statistics: ModeStatistics, bound: float) -> None:
        super().__init__()
        self.bound = bound
        base = torch.stack([statistics.ratio_rows(level) for level in levels])
        self.register_buffer("levels", levels)
        self.register_buffer("ratio", base)
        self.change = nn.Parameter(torch.zeros_like(base))
        self.slow = nn.Parameter(torch.zeros(max(len(statistics.slow) - SLOW_HEAD, 0), dtype=torch.float64))

    def corrected(self, statistics: ModeStatistics) -> ModeStatistics:
        """Statistics with the corrected ratios, on the rungs alone."""
        ratio = self.ratio * torch.exp(self.bound * torch.tanh(self.change))
        slow = statistics.slow
        if len(self.slow):
            head, others, last = slow[:SLOW_HEAD], slow[SLOW_HEAD:-1], slow[-1:]
            others = others + others.abs() * self.slow[:-1]
            slow = torch.cat([head, others, last * torch.exp(self.slow[-1:])])  # the last stays positive
        return replace(statistics, levels=self.levels, ratio=ratio, slow=slow)

    def merged(self, statistics: ModeStatistics) -> ModeStatistics:
        """Statistics with the corrected ratios on the rungs, among the levels that there are."""
        own = self.corrected(statistics)
        levels, order = torch.sort(torch.cat([own.levels, statistics.levels]))
        ratio = torch.cat([own.ratio, statistics.ratio])[order]
        fresh = torch.cat([torch.ones(1, dtype=torch.bool, device=levels.device), levels[1:] > levels[:-1]])
        return replace(own, levels=levels[fresh], ratio=ratio[fresh])
