"""Real fields as processes whose score dynamics can follow down a ladder of levels, in y = x + s z; see `Annealed`."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sqcli.diffusion.process.around import AroundDenoiser
from sqcli.diffusion.process.denoiser import euclidean
from sqcli.diffusion.process.protocol import Annealed, Process, RandomNumbers
from sqcli.diffusion.samplers._adjusted import added
from sqcli.diffusion.samplers._ladder import ends, halve, start


@dataclass(frozen=True)
class EuclideanAnnealing(AroundDenoiser):
    """A real field on its way down; `given` is the slow mode once it is drawn."""

    given: Tensor | None = None

    def annealing(self, steps: int, low: float, high: float) -> Tensor:
        """Levels, by themselves the schedule's up to 20 standard deviations of the softest mode."""
        found = ends(self.denoiser, low or "auto", high or "auto")
        return self.denoiser.schedule.levels(steps, *found).to(self.device)

    def begin(self, numbers: RandomNumbers, level: Tensor) -> tuple["EuclideanAnnealing", Tensor]:
        """Draw the slow mode, and y ~ N(0, G + s²)."""
        given, _ = self.denoiser.begin(numbers.uniform(0))
        return replace(self, given=given), start(self.denoiser, numbers.normal(0), level, given)

    def pull(self, noised: Tensor, level: Tensor) -> Tensor:
        """Compute D(y, s) − y."""
        return self.denoiser.denoise(noised, level, self.given) - noised

    def kick(self, normal: Tensor) -> Tensor:
        """Remove the slow mode from the noise."""
        return self.denoiser.project(normal)

    def shifted(self, noised: Tensor, *parts: Tensor) -> Tensor:
        """Add tangent vectors."""
        return added(noised, *parts)

    def returned(self, old: Tensor, new: Tensor, *parts: Tensor) -> Tensor:
        """Tangent vector of the way back."""
        return old - new

    def action(self, noised: Tensor) -> Tensor:
        """Action of φ = scale · (y + M)."""
        return torch.as_tensor(self.theory.action(self._field(noised), self.lattice))

    def finish(self, noised: Tensor, level: Tensor, numbers: RandomNumbers) -> Tensor:
        """Take away the noise by half of a denoising step, and put the slow mode back."""
        return self._field(halve(self.denoiser, noised, level, self.given) if float(level) else noised)

    def _field(self, x: Tensor) -> Tensor:
        return self.denoiser.to_field(self.denoiser.join(x, self.given))


def annealed_of(process: Process) -> Annealed:
    """Return the process as one whose score can be followed down; UsageError where it cannot."""
    return process if isinstance(process, Annealed) else EuclideanAnnealing(euclidean(process))
