"""Interface of networks of links: the score s_a = ∂ log p_s/∂v_a along U → exp(i Σ_a v_a T_a) U, and its curvature.

A level s is the standard deviation of the accumulated noise of each tangent component: p_s is the theory's density
after Brownian motion on the group for the time s², so at s = 0 the score is the theory's drift. Angles are U(1) with
one generator, 1: U → exp(i v) U. Tangent vectors are (n, D, *extents) for angles, (n, D, generators, *extents) else.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from sqcli.diffusion.nets._base import Network, Problem
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks


@dataclass(frozen=True)
class LinkContext:
    """Input of a network of links beside U and s.

    Attributes:
        theory: the theory whose noised configurations these are; it has an inverse coupling `beta`.
        lattice: the lattice of the links, of any extents.
        couplings: standardised numbers that the network is told of the theory, (n, c); often c = 0.
        beta_trained: inverse coupling of the training ensemble that is nearest.
    """

    theory: Any
    lattice: Lattice
    couplings: Tensor
    beta_trained: float


class LinkScore(NamedTuple):
    """Score of links, and how fast it falls; its derivatives are what the variances of reverse kernels need.

    Attributes:
        score: ∂ log p_s/∂v_a, (n, *tangent), float64.
        curvature: minus the mean over the generators of ∂_a s_a at each link, (n, D, *extents), float64.
        stiffness: minus the derivatives between links of one plaquette, over those of ½ |F|² of the covariant curl F,
            (n, D(D − 1)/2, *extents), float64, planes as (0, 1), (0, 2), …; None where nothing is known of them.
    """

    score: Tensor
    curvature: Tensor
    stiffness: Tensor | None = None


class LinkNet(Network):
    """Base of networks of links."""

    process: ClassVar[str] = "links"

    @abstractmethod
    def forward(self, links: Tensor, level: Tensor, context: LinkContext) -> LinkScore:
        """Compute the score of links (n, *site), float64 angles or complex128 matrices, at the levels (n,)."""


def require_links(net: str, problem: Problem) -> None:
    """UsageError unless the theory has angles or matrices of a group on its links."""
    manifold = problem.theory.manifold
    if not isinstance(manifold, AngleLinks | GroupLinks):
        raise UsageError(f"the net {net} is for links of a gauge theory, not for fields in {manifold.name}")


def require_angles(net: str, problem: Problem, dimensions: range) -> None:
    """UsageError unless the theory has angles on its links, on a lattice with so many dimensions."""
    if not isinstance(problem.theory.manifold, AngleLinks):
        raise UsageError(f"the net {net} is for the angles of theory u1, not for {problem.theory.manifold.name}")
    if problem.lattice.dimension not in dimensions:
        allowed = ", ".join(map(str, dimensions))
        raise UsageError(f"the net {net} exists in {allowed} dimensions, not in {problem.lattice.dimension}")
