"""Laws of links at the top of a path: Haar's measure, or the theory itself at the coupling that noise leaves.

Noise of the level s on every link multiplies ⟨tr U_□/N⟩ by e^{−2Cs²}. In two dimensions, where sectors and plaquettes
can be drawn one after the other by characters (`theories/_two_dimensions.py`), links far below the level that makes
them random are nearly the same theory at a smaller β_s, u(β_s) = e^{−2Cs²} u(β), u the plaquette of the plane. A path
that starts there has the charge of determinants and the class angles of plaquettes drawn first, and

    w = e^{−S(U_0)} ∏_i [forward/reverse] / p(U_N),   p = e^{−S_{β_s}}/Z(β_s),   ⟨w⟩ = Z,

is exact whatever p misses: neighbouring plaquettes share the noise of a link, which Wilson's action does not know. Such
a start does most of the work, the more the lower it is: plaquettes factorise in two dimensions, and no network has to
learn topology. `HaarPrior` is the start without this advantage.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import torch
from scipy.optimize import brentq
from torch import Tensor

from sqcli.diffusion.links.lie import LinkManifold, casimir, haar, link_manifold, numbers_of_links
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice

LOG_Z = ("log_z", None)


class Prior(Protocol):
    """Law of links at the top of a path."""

    def draw(self, normals: Sequence[Tensor]) -> Tensor:
        """Turn `haar_calls` arrays of N(0, 1) numbers, shaped as tangent vectors, into links (n, *site)."""

    def log_density(self, links: Tensor) -> Tensor | float:
        """Log density of links over Haar's measure, (n,) or 0."""


@dataclass(frozen=True)
class HaarPrior:
    """Links by Haar's measure."""

    manifold: LinkManifold

    def draw(self, normals: Sequence[Tensor]) -> Tensor:
        """Draw links."""
        return haar(self.manifold, normals)

    def log_density(self, links: Tensor) -> float:
        """Return 0."""
        return 0.0


@dataclass(frozen=True)
class SolvedPrior:
    """Links of a theory that can be drawn from directly.

    Attributes:
        theory: the theory, with the coupling that noise has left.
        lattice: the lattice, of two dimensions.
        log_z: its log Z, Haar's measure having the total 1 on each link.
    """

    theory: Any
    lattice: Lattice
    log_z: float

    def draw(self, normals: Sequence[Tensor]) -> Tensor:
        """Draw links."""
        rows = numbers_of_links(link_manifold(self.theory), normals)
        links = self.theory.independent(rows.flatten(1).cpu().numpy(), self.lattice)
        return torch.from_numpy(links).to(rows.device)

    def log_density(self, links: Tensor) -> Tensor:
        """Compute −S − log Z, (n,)."""
        return torch.as_tensor(-self.theory.action(links, self.lattice) - self.log_z)


@lru_cache(maxsize=16)
def prior(theory: Any, lattice: Lattice, level: float) -> Prior:
    """Law of links that are noised to a level; Haar's measure where the theory cannot be drawn from directly."""
    if not _drawable(theory, lattice):
        return HaarPrior(link_manifold(theory))
    weak = weakened(theory, lattice, level)
    return SolvedPrior(weak, lattice, weak.exact(lattice)[LOG_Z])


def weakened(theory: Any, lattice: Lattice, level: float) -> Any:
    """Copy a theory of two dimensions, with the coupling at which plaquettes are as noise of a level leaves them."""
    left = math.exp(-2 * casimir(link_manifold(theory)) * level**2) * theory.coupling_limits(lattice)[0]

    def excess(beta: float) -> float:
        return float(replace(theory, beta=beta).coupling_limits(lattice)[0] - left)

    return replace(theory, beta=float(brentq(excess, 0.0, theory.beta, rtol=1e-10))) if theory.beta else theory


def _drawable(theory: Any, lattice: Lattice) -> bool:
    """Tell whether a theory can be drawn from directly, and log Z is known."""
    try:
        theory.require_independent(lattice)
    except UsageError:
        return False
    return LOG_Z in theory.exact(lattice)
