"""Lattice gauge equivariant network for links in any U(N), SU(N), in two to four dimensions (2012.12901, 2601.19552).

The energy of small loops at the coupling that noise leaves of the theory's (`_wilson.py`), plus what layers of
parallel transport and products of plaquettes add (`_covariant.py`), which begins at zero. The score is minus the
gradient: conservative, covariant, explicit. At s = 0 it is the theory's force, whatever the weights are. With the head
`score` the addition is a covariant field in the algebra instead, not a gradient, and costs less.

At another coupling than it was trained at the net sees plaquettes in units of their fluctuations, and its loops have
the coupling itself; with `transfer` published all is that of the training coupling β₀ times β/β₀, right only as s → 0.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets import _covariant
from sqcli.diffusion.nets._base import Problem
from sqcli.diffusion.nets._conservative import components
from sqcli.diffusion.nets._coupling import SEVERAL, SINGLE, LinkGroup
from sqcli.diffusion.nets._gauge_net import Added, GaugeNet, Readout, Seen
from sqcli.diffusion.nets._links import LinkNet, require_links
from sqcli.diffusion.nets._loops import CHAIR, RECTANGLE, SQUARE, Walks, at_plaquettes
from sqcli.diffusion.nets._preconditioned import require_sizes
from sqcli.diffusion.nets._wilson import WilsonEnergy
from sqcli.errors import UsageError

LOOPS = {"plaquettes": (), "pairs": (), "rectangles": (RECTANGLE, SQUARE), "chairs": (RECTANGLE, SQUARE, CHAIR)}


@dataclass(frozen=True)
class LCNN:
    """Sizes of the network.

    Attributes:
        channels: matrices per link.
        blocks: depth; each block adds a site on each side to what a link sees.
        hidden: width of the function of traces at each link.
        loops: loops with coefficients: plaquettes, with pairs of them, with rectangles up to 2 × 2, with chairs.
        smearing: steps of L-Exp before the plaquettes that the layers see are taken.
        polyakov: whether layers see Polyakov loops.
        head: `energy` for a gradient, `score` for a free function.
        transfer: how it goes to other couplings, scaled or published.
    """

    channels: int = 4
    blocks: int = 2
    hidden: int = 32
    loops: Literal["plaquettes", "pairs", "rectangles", "chairs"] = "pairs"
    smearing: int = 0
    polyakov: bool = False
    head: Literal["energy", "score"] = "energy"
    transfer: Literal["scaled", "published"] = "scaled"

    def __post_init__(self) -> None:
        require_sizes(channels=self.channels, hidden=self.hidden)
        if not 0 <= self.blocks <= 64 or not 0 <= self.smearing <= 64:
            raise ValueError("blocks and smearing must lie between 0 and 64")

    def check(self, problem: Problem) -> None:
        """UsageError unless the theory is one of links in a group with generators."""
        require_links("lcnn", problem)
        if LinkGroup.of(problem.theory.manifold, problem.lattice.dimension).generators == 0:
            raise UsageError(f"the net lcnn needs a group that has generators, not {problem.theory.manifold.name}")

    def build(self, problem: Problem) -> LinkNet:
        """Build the network with no addition to the loops."""
        group = LinkGroup.of(problem.theory.manifold, problem.lattice.dimension)
        several = "beta" in problem.couplings
        wilson = WilsonEnergy(group, self.loops != "plaquettes", LOOPS[self.loops], several)
        return _Net(self, problem.theory.manifold, wilson)


class _Net(GaugeNet):
    """Loops, with layers of matrices on top."""

    def __init__(self, sizes: LCNN, manifold: Any, wilson: WilsonEnergy) -> None:
        super().__init__("lcnn", wilson, sizes.head, sizes.transfer)
        self.manifold = manifold
        self.several, self.polyakov = wilson.several, sizes.polyakov
        told = SEVERAL if wilson.several else SINGLE
        self.smearing = nn.ParameterList(torch.tensor(0.1) for _ in range(sizes.smearing))
        self.first = _covariant.Mixing(_covariant.SHAPES + sizes.polyakov, sizes.channels)
        self.blocks = nn.ModuleList(_covariant.LinkBlock(sizes.channels, told) for _ in range(sizes.blocks))
        outputs = 2 + (1 if sizes.head == "energy" else sizes.channels)
        self.readout = Readout(3 * sizes.channels, sizes.hidden, outputs, told)

    def added(self, seen: Seen) -> Added:
        """Compute the energy, or the field in the algebra, of features of the links."""
        group, noise = self.wilson.group, seen.noise
        links, plaquettes = (part.to(self.dtype.to_complex()) for part in (seen.links, seen.plaquettes))
        for weight in self.smearing:
            links = _covariant.smeared(links, plaquettes, weight)
            plaquettes = Walks(links).plaquettes()
        told = noise.told(self.several).to(self.dtype)
        features = self._features(links, _covariant.scaled_plaquettes(plaquettes, group, noise), told)
        found = self.readout(_covariant.invariants(features), told)
        bent, stiff, others = found[..., 0], at_plaquettes(found[..., 1]), found[..., 2:]
        if self.conservative:
            return Added(others.flatten(1).sum(1), bent, stiff)
        field = (others.movedim(-1, 1)[..., None, None] * features).sum(1)
        return Added(torch.zeros_like(noise.beta), bent, stiff, components(field, self.manifold))

    def _features(self, links: Tensor, features: Tensor, told: Tensor) -> Tensor:
        if self.polyakov:
            features = torch.cat([features, _covariant.polyakov(Walks(links))], 1)
        features = self.first(features)
        transport = _covariant.Transport(links)
        for block in self.blocks:
            features = block(features, transport, told)
        return features
