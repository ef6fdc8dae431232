"""The reverse process in a few Gaussian steps whose path weight is exact for any network.

Data reach y_N by the forward kernels, the model returns from y_N ~ N(0, G + s_N²) by its reverse kernels, so

    log w = −S(φ) + Σ_i log p(y_i | y_{i−1}) − log N(y_N; 0, G + s_N²) − Σ_i log q(y_{i−1} | y_i)

averages to ⟨w⟩ = Z over paths: no divergence, no noise of an estimator (cf. Sohl-Dickstein et al., 1503.03585).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import euclidean
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.paths import EuclideanPaths
from sqcli.diffusion.process.protocol import Paths, Process
from sqcli.diffusion.samplers._base import MOST_STEPS, Drawn
from sqcli.exactness import Exactness
from sqcli.parameters import require_count
from sqcli.theories import Theory


@dataclass(frozen=True)
class Path:
    """Sampler by paths with exact weights.

    Attributes:
        n_steps: evaluations of the network.
        level_min: noise level of the last evaluation, in units of x; for links of the width of a plaquette.
        level_max: noise level of the first evaluation; 0 for three standard deviations of the widest mode, for links
            for as much as makes them random. Links of two dimensions start below that from the theory at the coupling
            that noise leaves, where it can be drawn from directly.
    """

    n_steps: int = 20
    level_min: float = 0.3
    level_max: float = 0.0

    def __post_init__(self) -> None:
        require_count("n_steps", self.n_steps, 1, MOST_STEPS)
        if self.level_min <= 0 or self.level_max < 0:
            raise ValueError("level_min must be positive, level_max not negative")

    def check(self, process: Process) -> None:
        """UsageError where the process has no paths."""
        paths_of(process)

    def exactness(self, process: Process | None = None) -> Exactness:
        """State that draws are weighted."""
        return Exactness("weighted", "reverse paths weighted by the exact ratio of forward and reverse kernels")

    def stats(self, theory: Theory) -> tuple[str, ...]:
        """Names of further numbers per draw: none."""
        return ()

    @torch.no_grad()
    def draw(self, process: Process, noise: Noise) -> Drawn:
        """Draw one path for each row of `noise`."""
        paths = paths_of(process)
        return Drawn(*paths.descend(noise, self.levels(paths)))

    @torch.no_grad()
    def log_density(self, process: Process, fields: Tensor, noise: Noise) -> Tensor:
        """Log density of a forward path drawn from each configuration."""
        paths = paths_of(process)
        return paths.log_density(fields, noise, self.levels(paths))

    def levels(self, paths: Paths) -> Tensor:
        """Noise levels of the paths, from 0 up."""
        return paths.ladder(self.n_steps, self.level_min, self.level_max)


def paths_of(process: Process) -> Paths:
    """Return the process as one that has paths; UsageError where it has none."""
    return process if isinstance(process, Paths) else EuclideanPaths(euclidean(process))
