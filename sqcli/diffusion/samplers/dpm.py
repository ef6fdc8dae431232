"""DPM-Solver++(2M): the probability flow in log s by second-order multistep, one evaluation a step (2211.01095).

y' = r y + (1 − r) D̃ with r = s'/s, exact where D̃ is constant; D̃ = D + (D − D₋)/(2ρ) extrapolates from the step
before, whose length in log s is ρ times this one's. Errors of n steps fall as n^{−2}.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.samplers._ladder import LadderSampler, Rung


@dataclass(frozen=True)
class DpmSolver(LadderSampler):
    """Deterministic sampler for plain draws; steps from level_max to level_min."""

    n_steps: int = 64

    def step(self, rung: Rung, y: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Take one step; the memory is D of the step before."""
        found = rung.denoise(y, rung.high)
        estimate = found
        if memory is not None:
            before, here = (
                torch.log(s / t) for s, t in ((rung.levels[rung.index - 1], rung.high), (rung.high, rung.low))
            )
            estimate = found + (found - memory) * here / (2 * before)
        ratio = rung.low / rung.high
        return ratio * y + (1 - ratio) * estimate, found
