"""Gauge theory of matrices, S = β Σ_□ (1 − Re tr U_□/N), whatever the group: plaquettes, staples, action, drift.

With T_a normalised to tr T_a T_b = ½ δ_ab, ∂_a of a link is the derivative along U → exp(i v T_a) U; then
∂_a S = (β/N) Im tr(T_a U A) with A the sum of the link's staples, and Σ_a ∂_a² S = (β/N) C Re tr(U A), Σ_a T_a T_a = C.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.jit import Kernel
from sqcli.lattice.products import times
from sqcli.theories import _group_draws, _group_kernels, _link_updates, _loop_equations, _two_dimensions
from sqcli.theories._base import References
from sqcli.theories._functions import functions
from sqcli.theories._loop_equations import ahead

Array = NDArray[Any]
MOST_COLOURS = 16


@dataclass(frozen=True)
class GroupTheory:
    """Matrices of dimension `n` on links, with inverse coupling `beta`."""

    n: int
    beta: float
    special: ClassVar[bool]
    formula: ClassVar[str] = "S = beta sum_plaquettes (1 - Re tr U_p / n)"
    redraw: ClassVar[Kernel] = _link_updates.redraw
    reflect: ClassVar[Kernel] = _link_updates.reflect
    jump: ClassVar[Kernel] = _link_updates.jump
    widest: ClassVar[float] = 2 * np.pi  # turns phases by up to π and more, in any group

    def __post_init__(self) -> None:
        if not 1 <= self.n <= MOST_COLOURS:
            raise ValueError(f"n must be from 1 to {MOST_COLOURS}, not {self.n}")

    @property
    def flow(self) -> Kernel:
        """Kernel of molecular dynamics, see `Theory`."""
        return self._kernels[0]

    @property
    def finish(self) -> Kernel:
        """Kernel of the last kick and the energies, see `Theory`."""
        return self._kernels[1]

    @property
    def _kernels(self) -> tuple[Kernel, Kernel]:
        from sqcli.theories import _small_group_kernels  # rests on the compiler's internals: a reader needs none of it

        general = _group_kernels.flow, _group_kernels.finish
        return _small_group_kernels.KERNELS.get((self.n, self.special), general)

    @cached_property
    def manifold(self) -> GroupLinks:
        """The group, on every link."""
        return GroupLinks(self.n, self.special)

    def check(self, lattice: Lattice) -> None:
        """Raise UsageError unless the lattice has two to four dimensions of at least 2 sites."""
        if not 2 <= lattice.dimension <= 4 or min(lattice.extents) < 2:
            raise UsageError(f"gauge theory needs two to four dimensions of extents >= 2, not {lattice}")

    def couplings(self, lattice: Lattice) -> NDArray[np.float64]:
        """Return (β, N, whether determinants are 1)."""
        return np.array([self.beta, self.n, float(self.special)])

    def action(self, field: Any, lattice: Lattice) -> Any:
        """Compute S of each configuration, (n, *site) -> (n,)."""
        planes = (1 - _trace(loop).real / self.n for loop in self.plaquettes(field, lattice))
        return self.beta * sum(lattice.site_sum(plane) for plane in planes)

    def plaquettes(self, field: Any, lattice: Lattice) -> Iterator[Any]:
        """Yield U_□ at every site for each plane μ < ν, (n, *extents, N, N)."""
        for mu, nu in combinations(range(lattice.dimension), 2):
            corner = times(field[:, mu], ahead(field[:, nu], mu))
            yield times(corner, _adjoint(times(field[:, nu], ahead(field[:, mu], nu))))

    def staples(self, field: Any, lattice: Lattice) -> Any:
        """Sum the staples A of every link, of the shape of the field: U A are the plaquettes at the link."""
        found = []
        for mu in range(lattice.dimension):
            others = [nu for nu in range(lattice.dimension) if nu != mu]
            found.append(sum(self._pair(field, mu, nu) for nu in others))
        return functions(field).stack(found, 1)

    def _pair(self, field: Any, mu: int, nu: int) -> Any:
        """The two staples of the links μ in the plane μν."""
        side, next_side = field[:, nu], ahead(field[:, nu], mu)
        above = times(next_side, _adjoint(times(side, ahead(field[:, mu], nu))))
        return above + ahead(times(_adjoint(times(field[:, mu], next_side)), side), nu, -1)

    def drift(self, field: Any, lattice: Lattice) -> Any:
        """Compute −∂_a S, (n, D, generators, *extents)."""
        return -self.beta / self.n * self._components(times(field, self.staples(field, lattice)))

    def identities(self, field: Array, lattice: Lattice) -> Mapping[str, NDArray[np.float64]]:
        """Compute residuals of ⟨(∂S)²⟩ = ⟨∂²S⟩ on links, and of the loop equations of small rectangles."""
        field = field.astype(np.complex128, copy=False)
        loops = times(field, self.staples(field, lattice))
        slopes, casimir = self._slopes(loops), self._casimir
        squared = np.einsum("...ij,...ji->...", loops, slopes).imag - casimir * _trace(loops).real
        mean = lattice.site_sum(squared).sum(1) / (lattice.dimension * lattice.volume)
        return {"dS_dS": self.beta / self.n * mean, **_loop_equations.of_matrices(field, slopes, casimir, lattice)}

    def _slopes(self, loops: Array) -> Array:
        """Σ_a T_a ∂_a S by completeness, Σ_a T_a Im tr T_a M = (H − tr H/N)/2 with H = (M − M†)/2i, for U(N) H/2."""
        odd = (loops - _adjoint(loops)) / 2j
        if self.special:
            odd = odd - (_trace(odd) / self.n)[..., None, None] * np.eye(self.n)
        return np.asarray(self.beta / self.n * odd / 2)

    def coupling_limits(self, lattice: Lattice) -> tuple[float, float]:
        """Compute leading terms of the plaquette at strong and at weak coupling."""
        return _two_dimensions.coupling_limits(self.n, self.special, self.beta, lattice.dimension)

    def exact(self, lattice: Lattice) -> References:
        """Compute plaquette, action per site and loops of the finite torus in two dimensions; else nothing is known."""
        if lattice.dimension != 2:
            return {}
        return _two_dimensions.references(self.n, self.special, self.beta, lattice.extents)

    def require_independent(self, lattice: Lattice) -> None:
        """Raise UsageError where no direct draws are known: above two dimensions or N = 3, and at huge couplings."""
        _group_draws.require(self.manifold.name, self.n, self.special, self.beta, lattice)

    def independent(self, normals: NDArray[np.float64], lattice: Lattice) -> Array:
        """Turn rows of 4N²V numbers N(0, 1) into links (n, 2, *extents, N, N).

        Raises:
            UsageError: as `require_independent`.
        """
        self.require_independent(lattice)
        return _group_draws.configurations(self.n, self.special, self.beta, normals, lattice)

    @property
    def _casimir(self) -> float:
        """C of Σ_a T_a T_a."""
        return (self.n - self.special / self.n) / 2

    def _components(self, loops: Any) -> Any:
        """Im tr(T_a M) of matrices (n, D, *extents, N, N): (n, D, generators, *extents)."""
        generators = self.manifold.generators
        if isinstance(loops, np.ndarray):
            return np.einsum("aij,nm...ji->nma...", generators, loops).imag
        library = functions(loops)
        return library.einsum("aij,nm...ji->nma...", library.from_numpy(generators).to(loops), loops).imag


def _adjoint(links: Any) -> Any:
    return links.conj().swapaxes(-1, -2)


def _trace(links: Any) -> Any:
    return links.diagonal(0, -2, -1).sum(-1)
