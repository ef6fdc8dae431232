"""Field strength of gauge links on the lattice: clover and plaquette energy densities, and densities of the charge.

The clover F_μν(x) is the mean of the four plaquettes in the plane that begin and end at x. With P ≈ e^{iF} the one
ahead, and (τ_μ f)(x) = U_μ(x−μ̂)† f(x−μ̂) U_μ(x−μ̂), it is ¼ (1 + τ_μ)(1 + τ_ν) (P − P†)/2i, for SU(N) without the
trace. In four dimensions the charge density is made of it, for U(N) less its trace.

Energy densities E = ¼ F^a_μν F^a_μν, Σ_a over generators with tr T_a T_b = ½ δ_ab for matrices, one for angles: Σ tr F²
over planes, or ½ Σ F²; from plaquettes Σ 2 Re tr(1 − P), or Σ (1 − cos θ).
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array, LatticeTheory
from sqcli.observables._links import ahead, group_of

Plane = tuple[int, int]


class Algebra(Protocol):
    """Operations on field strengths that depend on how group elements are stored."""

    def strength(self, loops: Array) -> Array:
        """Compute (P − P†)/2i of each loop."""
        ...

    def carried(self, strength: Array, links: Array) -> Array:
        """Carry field strengths along links, U† F U."""
        ...

    def product(self, first: Array, second: Array) -> Array:
        """Compute ½ Σ_a F^a G^a, (n, *extents)."""
        ...

    def cost(self, loops: Array) -> Array:
        """Compute what `product` of F with itself is in the continuum from the trace of a loop, (n, *extents)."""
        ...


class Phases:
    """U(1) as angles."""

    def strength(self, loops: Array) -> Array:
        """Compute sin θ."""
        return np.asarray(np.sin(loops))

    def carried(self, strength: Array, links: Array) -> Array:
        """Return the field strength: it commutes with links."""
        return strength

    def product(self, first: Array, second: Array) -> Array:
        """Compute ½ F G."""
        return 0.5 * first * second

    def cost(self, loops: Array) -> Array:
        """Compute 1 − cos θ = 2 sin² θ/2."""
        return np.asarray(2 * np.sin(loops / 2) ** 2)


@dataclass(frozen=True)
class Generators:
    """Hermitian matrices; those of SU(N) are `traceless`."""

    traceless: bool

    def strength(self, loops: Array) -> Array:
        """Compute (P − P†)/2i, less its trace."""
        found = (loops - loops.conj().swapaxes(-1, -2)) / 2j
        return without_trace(found) if self.traceless else found

    def carried(self, strength: Array, links: Array) -> Array:
        """Compute U† F U."""
        return np.asarray(links.conj().swapaxes(-1, -2) @ (strength @ links))

    def product(self, first: Array, second: Array) -> Array:
        """Compute tr F G."""
        return np.asarray((first * second.conj()).real.sum(axis=(-2, -1)))

    def cost(self, loops: Array) -> Array:
        """Compute 2 Re tr(1 − P)."""
        return np.asarray(2 * (loops.shape[-1] - np.trace(loops, axis1=-2, axis2=-1).real))


def without_trace(matrices: Array) -> Array:
    """Take M − tr M/N."""
    n = matrices.shape[-1]
    trace = np.trace(matrices, axis1=-2, axis2=-1)
    return np.asarray(matrices - trace[..., None, None] * np.eye(n) / n)


def algebra_of(fields: Array, theory: LatticeTheory) -> Algebra:
    """Tell by the shape of the links, and by the theory, what field strengths are."""
    if fields.ndim == 2 + theory.lattice.dimension:
        return Phases()
    return Generators(bool(theory.loaded.special))


def plaquette(fields: Array, lattice: Lattice, plane: Plane) -> Array:
    """Compute P_μν(x), (n, *extents) group elements."""
    (mu, nu), group = plane, group_of(fields, lattice)
    along, up = fields[:, mu], fields[:, nu]
    return group.quotient(group.product(along, ahead(up, mu)), group.product(up, ahead(along, nu)))


def clover(fields: Array, theory: LatticeTheory, plane: Plane, loops: Array) -> Array:
    """Compute F_μν(x) from the plaquettes P_μν(x) of the plane."""
    algebra = algebra_of(fields, theory)
    found = algebra.strength(loops)
    for axis in reversed(plane):
        found = found + ahead(algebra.carried(found, fields[:, axis]), axis, -1)
    return found / 4


def densities(fields: Array, theory: LatticeTheory) -> tuple[Array, Array, Array | None]:
    """Compute E from clovers and from plaquettes, (n,), and the charge density (n, *extents) where there is one."""
    lattice, algebra, strengths = theory.lattice, algebra_of(fields, theory), []
    energies = np.zeros((2, len(fields)))
    for plane in planes(lattice):
        loops = plaquette(fields, lattice, plane)
        strength = clover(fields, theory, plane, loops)
        found = algebra.product(strength, strength), algebra.cost(loops)
        energies += [lattice.site_sum(part) / lattice.volume for part in found]
        if has_clover_charge(theory):
            strengths.append(without_trace(strength))
    return energies[0], energies[1], _charge_density(strengths, algebra) if strengths else None


def _charge_density(strengths: list[Array], algebra: Algebra) -> Array:
    """Compute (1/32π²) Σ ε_μνρσ tr F_μν F_ρσ = (1/4π²) (tr F₀₁F₂₃ − tr F₀₂F₁₃ + tr F₀₃F₁₂), (n, *extents)."""
    xy, xz, xt, yz, yt, zt = strengths
    dual = algebra.product(xy, zt) - algebra.product(xz, yt) + algebra.product(xt, yz)
    return np.asarray(dual / (4 * np.pi**2))


def planes(lattice: Lattice) -> list[Plane]:
    """List the planes μ < ν."""
    return list(combinations(range(lattice.dimension), 2))


def has_clover_charge(theory: LatticeTheory) -> bool:
    """Whether links are matrices, more than phases, in four dimensions."""
    return theory.lattice.dimension == 4 and int(theory.parameters.get("n", 1)) > 1
