"""Reverse stochastic process: dx = [f − ½(1+λ²) g² ∇log p]dt + λ g dw̄ (2011.13456; λ-family: 2411.11297 eq. 25).

In y = x/α and τ = −ln s it reads dy = (1+λ²)(D − y) dτ + λ √2 s dw, the same for every schedule:
`euler` takes linear steps of the model's own time in x_t, as published, and leaves out the noise of the last one;
`heun` averages the drifts at a step's ends in log s; its noise has the exact variance λ²(s² − s'²) (weak order 2);
`exponential` is exact where D is constant: y' = r^{1+λ²} y + (1 − r^{1+λ²}) D + s' √(1 − r^{2λ²}) z, r = s'/s.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.samplers._ladder import LadderSampler, Rung

EULER_REACH = 1000.0  # starts at the end of the schedule, as published, unless its levels exceed all bounds


@dataclass(frozen=True)
class ReverseProcess(LadderSampler):
    """Sampler by the reverse process, stochastic for noise > 0.

    Attributes:
        noise: strength λ: 1 is the reverse of the forward process, 0 the probability flow.
        scheme: how a step is taken; level_max=auto is the schedule's for euler.
    """

    n_steps: int = 500
    noise: float = 1.0
    scheme: Literal["euler", "heun", "exponential"] = "euler"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise must lie between 0 and 1, not {self.noise}")

    def ladder(self, denoiser: Denoiser) -> Tensor:
        """Levels of the ladder: linear in time for `euler`, else in log s."""
        if self.scheme != "euler":
            return super().ladder(denoiser)
        low, high = torch.tensor(self.ends(denoiser, EULER_REACH), dtype=torch.float64)
        times = denoiser.schedule.time(torch.stack([high, low]))
        spaced = torch.linspace(float(times[0]), float(times[1]), self.n_steps + 1, dtype=torch.float64)
        return denoiser.schedule.level(spaced).to(denoiser.device)

    def step(self, rung: Rung, y: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Take one step of the scheme."""
        schemes: dict[str, Callable[[Rung, Tensor], Tensor]] = {
            "euler": self._euler,
            "heun": self._heun,
            "exponential": self._exponential,
        }
        return schemes[self.scheme](rung, y), None

    def finish(self, denoiser: Denoiser, y: Tensor, level: Tensor, given: Tensor | None) -> Tensor:
        """Take y to level 0 by the probability flow; `euler` is there already, its last step went without noise."""
        return y if self.scheme == "euler" else super().finish(denoiser, y, level, given)

    def _euler(self, rung: Rung, y: Tensor) -> Tensor:
        schedule = rung.denoiser.schedule
        t, end = schedule.time(rung.high), schedule.time(rung.low)
        alpha, g2, dt = schedule.alpha(t), schedule.g2(t), t - end
        score = (rung.denoise(y, rung.high) - y) / (rung.high**2 * alpha)
        x = alpha * y * (1 - schedule.f(t) * dt) + 0.5 * (1 + self.noise**2) * g2 * dt * score
        if self.noise and rung.index < self.n_steps - 1:
            x = x + self.noise * torch.sqrt(g2 * dt) * rung.normal()
        return x / schedule.alpha(end)

    def _heun(self, rung: Rung, y: Tensor) -> Tensor:
        high, low, rate = rung.high, rung.low, 1 + self.noise**2
        d_tau = torch.log(high / low)
        kick = self.noise * torch.sqrt(high**2 - low**2) * rung.normal() if self.noise else torch.zeros_like(y)
        first = rate * (rung.denoise(y, high) - y)
        guess = y + d_tau * first + kick
        return y + d_tau / 2 * (first + rate * (rung.denoise(guess, low) - guess)) + kick

    def _exponential(self, rung: Rung, y: Tensor) -> Tensor:
        ratio = rung.low / rung.high
        decay = ratio ** (1 + self.noise**2)
        y = decay * y + (1 - decay) * rung.denoise(y, rung.high)
        if not self.noise:
            return y
        return y + rung.low * torch.sqrt(1 - ratio ** (2 * self.noise**2)) * rung.normal()
