"""Frame of gauge equivariant networks: the energy of small loops, plus an addition that is silent without noise.

The addition has the factor (1 − β_s/β) r u, with r u the mean of a plaquette after the noise: nothing at s = 0, of
order one where the noise is as large as the fluctuations, small where little is left. Second derivatives are those of
the loops and learnt numbers between −2 and 2 in units of a plaquette's.
"""

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._conservative import as_matrices, force
from sqcli.diffusion.nets._coupling import Noised, known_coupling
from sqcli.diffusion.nets._links import LinkContext, LinkNet, LinkScore
from sqcli.diffusion.nets._loops import Walks
from sqcli.diffusion.nets._wilson import Bent, WilsonEnergy
from sqcli.errors import UsageError

MOST = 2.0  # bound of what is learnt of second derivatives


class Seen(NamedTuple):
    """Input of the addition: links as matrices, plaquettes at each link, noise."""

    links: Tensor
    plaquettes: Tensor
    noise: Noised


class Added(NamedTuple):
    """Addition to the loops.

    Attributes:
        energy: to the energy, (n,).
        bent: numbers of each link that correct the curvature, (n, D, *extents).
        stiff: numbers of each plaquette that correct its stiffness, (n, D(D − 1)/2, *extents).
        field: to the score, (n, *tangent); None where the score is a gradient.
    """

    energy: Tensor
    bent: Tensor
    stiff: Tensor
    field: Tensor | None = None


class GaugeNet(LinkNet):
    """Energy of loops with an addition of the subclass.

    Args:
        name: name of the net, for errors.
        wilson: the energy of loops.
        head: `energy` where the addition is an energy.
        transfer: how the net goes to other couplings, scaled or published.
    """

    def __init__(self, name: str, wilson: WilsonEnergy, head: str, transfer: str) -> None:
        super().__init__()
        self.name, self.wilson, self.transfer, self.conservative = name, wilson, transfer, head == "energy"

    @abstractmethod
    def added(self, seen: Seen) -> Added:
        """Compute the addition, without its factor."""

    def forward(self, links: Tensor, level: Tensor, context: LinkContext) -> LinkScore:
        with torch.autocast(links.device.type, enabled=False):
            return self._score(links, level, context)

    def energy(self, links: Tensor, level: Tensor, context: LinkContext) -> Tensor:
        """Compute E = −log p_s + const of links, (n,); at s = 0 it is the action.

        Raises:
            UsageError: the score is not a gradient.
        """
        if not self.conservative:
            raise UsageError(f"the net {self.name} has an energy with the head energy only")
        with torch.autocast(links.device.type, enabled=False):
            beta, factor = known_coupling(context, self.transfer)
            return factor * self._energy(links, self.wilson.group.noised(beta, level))[0]

    def _score(self, links: Tensor, level: Tensor, context: LinkContext) -> LinkScore:
        beta, factor = known_coupling(context, self.transfer)
        noise = self.wilson.group.noised(beta, level)
        score, (bent, learnt) = force(lambda moved: self._energy(moved, noise), links, context.theory.manifold)
        if not self.conservative:
            added = self.added(self._seen(links, noise)[0])
            assert added.field is not None
            score, learnt = score + _factor(noise, score) * added.field, (added.bent, added.stiff)
        room = _along(MOST * noise.lost * bent.unit, bent.links)
        curvature = bent.links + (links.shape[1] - 1) * room * torch.tanh(learnt[0].double())
        stiffness = bent.plaquettes + room * torch.tanh(learnt[1].double())
        return LinkScore(factor * score, factor * curvature, factor * stiffness)

    def _seen(self, links: Tensor, noise: Noised) -> tuple[Seen, Walks]:
        matrices = as_matrices(links)
        walks = Walks(matrices)
        return Seen(matrices, walks.plaquettes(), noise), walks

    def _energy(self, links: Tensor, noise: Noised) -> tuple[Tensor, tuple[Bent, tuple[Tensor, ...]]]:
        """Energy of the loops and an addition that is one, their second derivatives, and what corrects these."""
        seen, walks = self._seen(links, noise)
        energy, bent = self.wilson(walks, seen.plaquettes, noise)
        if not self.conservative:
            return energy, (bent, ())
        found = self.added(seen)
        return energy + _factor(noise, energy) * found.energy, (bent, (found.bent, found.stiff))


class Readout(nn.Module):
    """Function of numbers at each site or link, channels last, that depends on what it is told; 0 at first."""

    def __init__(self, inputs: int, hidden: int, outputs: int, told: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.told = nn.Linear(told, 2 * hidden)
        self.last = nn.Linear(hidden, outputs)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, numbers: Tensor, told: Tensor) -> Tensor:
        """Map (n, …, inputs) and (n, told) to (n, …, outputs)."""
        gain, shift = self.told(told).reshape(len(told), *(1,) * (numbers.dim() - 2), -1).chunk(2, -1)
        found: Tensor = self.last(nn.functional.silu(self.first(numbers) * (1 + gain) + shift))
        return found


def _along(numbers: Tensor, field: Tensor) -> Tensor:
    return numbers.reshape(-1, *(1,) * (field.dim() - 1))


def _factor(noise: Noised, field: Tensor) -> Tensor:
    return _along(noise.lost * noise.left, field)
