"""Convolutional network on the plaquettes of angles in two dimensions, for U(1): gauge invariant by what it sees.

The energy of small loops at the coupling that noise leaves of the theory's (`_wilson.py`), plus a function of sines
and cosines of plaquettes, which begins at zero: an energy, or with the head `curl` an odd field ψ of the plaquettes
whose curl is the score's addition, not a gradient but cheaper. Symmetric under translations, rotations, reflections,
θ → −θ; at s = 0 the score is the theory's force, whatever the weights are.

At another coupling than it was trained at the net sees plaquettes in units of their fluctuations, and its loops have
the coupling itself; with `transfer` published all is that of the training coupling β₀ times β/β₀, right only as s → 0.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._base import Problem
from sqcli.diffusion.nets._coupling import SEVERAL, SINGLE, LinkGroup, Noised
from sqcli.diffusion.nets._gauge_net import Added, GaugeNet, Readout, Seen
from sqcli.diffusion.nets._links import LinkNet, require_angles
from sqcli.diffusion.nets._odd import mixed
from sqcli.diffusion.nets._parity import ParityBlock
from sqcli.diffusion.nets._preconditioned import require_sizes
from sqcli.diffusion.nets._wilson import WilsonEnergy

SHAPES = 2  # odd functions of a plaquette, and as many even ones


@dataclass(frozen=True)
class U1CNN:
    """Sizes of the network.

    Attributes:
        channels: odd fields, and as many even ones.
        blocks: depth.
        reach: sites on each side that one convolution sees.
        hidden: width of the function at each plaquette that ends the network.
        head: `energy` for a gradient, `curl` for a free field of plaquettes.
        transfer: how it goes to other couplings, scaled or published.
    """

    channels: int = 16
    blocks: int = 3
    reach: int = 1
    hidden: int = 32
    head: Literal["energy", "curl"] = "energy"
    transfer: Literal["scaled", "published"] = "scaled"

    def __post_init__(self) -> None:
        require_sizes(channels=self.channels, hidden=self.hidden)
        if not 0 <= self.blocks <= 64 or not 0 <= self.reach <= 64:
            raise ValueError("blocks and reach must lie between 0 and 64")

    def check(self, problem: Problem) -> None:
        """UsageError unless the theory has angles on its links, in two dimensions."""
        require_angles("u1cnn", problem, range(2, 3))

    def build(self, problem: Problem) -> LinkNet:
        """Build the network with no addition to the loops."""
        group = LinkGroup.of(problem.theory.manifold, problem.lattice.dimension)
        return _Net(self, WilsonEnergy(group, True, (), "beta" in problem.couplings))


class _Net(GaugeNet):
    """Loops, with a convolutional network on top."""

    def __init__(self, sizes: U1CNN, wilson: WilsonEnergy) -> None:
        super().__init__("u1cnn", wilson, sizes.head, sizes.transfer)
        width, told = sizes.channels, SEVERAL if wilson.several else SINGLE
        self.lift_odd, self.lift_even = (nn.Linear(SHAPES, width, bias=False) for _ in range(2))
        self.blocks = nn.ModuleList(ParityBlock(width, told, sizes.reach, 2) for _ in range(sizes.blocks))
        self.readout = Readout(2 * width, sizes.hidden, 2 + (1 if self.conservative else width), told)

    def added(self, seen: Seen) -> Added:
        """Compute the energy, or the curl of ψ, of the plaquettes."""
        told = seen.noise.told(self.wilson.several).to(self.dtype)
        odd, even = (fields.to(self.dtype) for fields in _shapes(seen.plaquettes[:, 0, 1, ..., 0, 0], seen.noise))
        odd, even = mixed(odd, self.lift_odd.weight), mixed(even, self.lift_even.weight)
        for block in self.blocks:
            odd, even = block(odd, even, told)
        found = self.readout(torch.cat([torch.asinh(odd**2), even], 1).movedim(1, -1), told)
        bent, stiff, others = found[..., 0], found[..., 1], found[..., 2:]
        at_links = torch.stack([bent + bent.roll(1, 2), bent + bent.roll(1, 1)], 1) / 2
        if self.conservative:
            return Added(others.flatten(1).sum(1), at_links, stiff[:, None])
        curl = (others.movedim(-1, 1) * odd).sum(1)
        field = torch.stack([curl.roll(1, 2) - curl, curl - curl.roll(1, 1)], 1)
        return Added(torch.zeros_like(seen.noise.beta), at_links, stiff[:, None], field)


def _shapes(plaquette: Tensor, noise: Noised) -> tuple[Tensor, Tensor]:
    """Functions of e^{iθ} in units of the fluctuations, (n, SHAPES, *extents): odd ones and even ones."""
    size2 = (1 + noise.beta.abs())[:, None, None]
    square = 2 * size2 * (1 - plaquette.real)
    odd, damping = size2.sqrt() * plaquette.imag, 1 / (1 + square)
    return torch.stack([odd * damping**0.5, odd * damping], 1), torch.stack([torch.log1p(square), damping], 1)
