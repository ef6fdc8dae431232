"""U-Net 32-64-128-256 with Gaussian Fourier features of t, GroupNorm and SiLU, output over σ(t) (2309.17082).

Three levels of stride 2 down and up with skips, as in the tutorial to 2011.13456 that was used there. Different from
it: convolutions are periodic instead of padded with zeros, and the way up repeats sites to the skip's extents before it
convolves instead of transposed convolutions, so that the boundary is nowhere and any extents will do.
"""

from dataclasses import dataclass
from typing import Literal

from sqcli.diffusion.nets._base import Net, Problem
from sqcli.diffusion.nets._encoder import PUBLISHED_SCALE, Encoder
from sqcli.diffusion.nets._layers import DIMENSIONS
from sqcli.diffusion.nets._preconditioned import Preconditioned, require_scalar, require_sizes


@dataclass(frozen=True)
class UNet:
    """Sizes of the published network.

    Attributes:
        channels: channels of the first level; they double from level to level.
        embedding: width of the time features.
        z2: whether the network is odd under φ → −φ.
        scaling: `published` for F(x_t, t)/σ(t), or `edm`.
    """

    channels: int = 32
    embedding: int = 256
    z2: bool = False
    scaling: Literal["published", "edm"] = "published"

    def __post_init__(self) -> None:
        require_sizes(channels=self.channels, embedding=self.embedding)
        if self.channels % 4 or self.embedding % 2:
            raise ValueError("channels must be a multiple of 4, embedding even")

    def check(self, problem: Problem) -> None:
        """UsageError unless the field is real, in one to three dimensions."""
        require_scalar("unet", problem, DIMENSIONS)

    def build(self, problem: Problem) -> Net:
        """Build the network with PyTorch's initial weights."""
        scale = PUBLISHED_SCALE if self.scaling == "published" else 1.0
        core = Encoder(self.channels, self.embedding, problem.lattice.dimension, len(problem.couplings), scale)
        return Preconditioned(core, problem.schedule, self.scaling, self.z2)
