"""Corrections of the measured mode statistics that the objective `path` learns along with the network."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from sqcli.diffusion.process.mode_statistics import ModeStatistics

SLOW_HEAD = 3  # numbers of the slow mode's density that come before its coefficients


class Corrections(nn.Module):
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
