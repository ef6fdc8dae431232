"""Links of one group as kernels see them, LANES sites at once: staples, forces, moves, energies as formulas.

With A_μ(x) the sum of 2(D − 1) staples, ∂S/∂v_a = (β/N) Im tr(T_a U A), and a link moves by U ← exp(i Σ_a v_a T_a) U.
`sites` is 1 in the lanes that hold a site of the lattice, 0 in others, whose momenta stay as they are.
"""

from typing import Protocol

from sqcli.lattice.jit import jit
from sqcli.lattice.lanes import Number, any_above, formula, loader
from sqcli.theories._complex import Numbers


class Links(Protocol):
    """A group; matrices and Hermitian matrices of its algebra are lists of numbers.

    Attributes:
        planes: numbers that are read of a link.
        generators: numbers of a momentum.
    """

    planes: int
    generators: int

    def multiply(self, a: Numbers, b: Numbers, onto: Numbers | None = None) -> Numbers:
        """Compute a b, or onto + a b."""

    def adjoint(self, a: Numbers) -> Numbers:
        """Compute a†."""

    def components(self, m: Numbers) -> Numbers:
        """Compute Im tr(T_a M) for each generator."""

    def trace(self, m: Numbers) -> Number:
        """Compute Re tr M."""

    def vector(self, p: Numbers, step: Number) -> Numbers:
        """Compute q = step · Σ_a p_a T_a."""

    def square(self, q: Numbers) -> Number:
        """Compute a bound on the squares of the eigenvalues of q."""

    def exponential(self, q: Numbers) -> Numbers:
        """Compute e^{iq} where `square` is at most 1."""

    def purified(self, u: Numbers) -> Numbers:
        """Bring a link that rounding has moved back to the group."""

    def whole(self, u: Numbers) -> Numbers:
        """Return all numbers of a link."""


load_link = loader(lambda group: group.planes)
load_momentum = loader(lambda group: group.generators)
load_sites = loader(lambda _group: 1)
ENOUGH, MOST = 1.0, 1e60  # squares of q: beyond the first it is halved, beyond the second a trajectory has run away


@formula
def zero(group: Links, nothing: Number) -> Numbers:
    """Make the matrix of zeros."""
    return [nothing] * group.planes


@formula
def one_zero(nothing: Number) -> Numbers:
    """Make a number that is zero."""
    return [nothing]


@formula
def with_staples(
    group: Links, total: Numbers, next_side: Numbers, top: Numbers, side: Numbers, next_back: Numbers, bottom: Numbers,
    back: Numbers,
) -> Numbers:  # fmt: skip
    """Add the two staples in a plane μν: U_ν(x+μ) U_μ(x+ν)† U_ν(x)† and U_ν(x+μ−ν)† U_μ(x−ν)† U_ν(x−ν)."""
    ahead = group.multiply(next_side, group.adjoint(top))
    total = group.multiply(ahead, group.adjoint(side), total)
    return group.multiply(group.adjoint(group.multiply(bottom, next_back)), back, total)


@formula
def product(group: Links, a: Numbers, b: Numbers) -> Numbers:
    """Compute a b."""
    return group.multiply(a, b)


@formula
def kicked(group: Links, p: Numbers, loops: Numbers, force: Number, sites: Numbers) -> Numbers:
    """Take force · Im tr(T_a U A) from the momentum."""
    forces = group.components(loops)
    return [sites[0].where_above(0.5, old - force * f, old) for old, f in zip(p, forces, strict=True)]


@formula
def with_traces(group: Links, total: Numbers, loops: Numbers, sites: Numbers, n: Number, staples: Number) -> Numbers:
    """Add N − Re tr U A/staples."""
    term = n - group.trace(loops) * staples
    return [total[0] + sites[0].where_above(0.5, term, 0.0)]


@formula
def with_squares(total: Numbers, p: Numbers, sites: Numbers) -> Numbers:
    """Add Σ_a p_a²."""
    square = total[0].constant(0.0)
    for component in p:
        square = square + component * component
    return [total[0] + sites[0].where_above(0.5, square, 0.0)]


@formula
def vector(group: Links, p: Numbers, step: Number, sites: Numbers) -> Numbers:
    """Compute q = step · Σ_a p_a T_a, zero where there is no site."""
    return [sites[0].where_above(0.5, entry, 0.0) for entry in group.vector(p, step)]


@formula
def sizes(group: Links, q: Numbers) -> Numbers:
    """Begin the search for halvings of q: its square, 0 of them so far, and the factor 1."""
    square = group.square(q)
    return [square.where_above(MOST, 0.0, square), square.constant(0.0), square.constant(1.0)]


@formula
def halved(sizes: Numbers) -> Numbers:
    """Halve once more where the square is above ENOUGH."""
    square, count, factor = sizes
    return [
        square.where_above(ENOUGH, square * 0.25, square),
        square.where_above(ENOUGH, count + 1.0, count),
        square.where_above(ENOUGH, factor * 0.5, factor),
    ]


@formula
def small_exponential(group: Links, q: Numbers, sizes: Numbers) -> Numbers:
    """Compute e^{iq} of the halved q."""
    return group.exponential([entry * sizes[2] for entry in q])


@formula
def halvings(sizes: Numbers) -> Numbers:
    """Return how often q was halved."""
    return [sizes[1]]


@formula
def squared(group: Links, left: Numbers, e: Numbers) -> Numbers:
    """Square a matrix where squarings are left."""
    return [left[0].where_above(0.5, new, old) for new, old in zip(group.multiply(e, e), e, strict=True)]


@formula
def one_less(left: Numbers) -> Numbers:
    """Count a squaring."""
    return [left[0] - 1.0]


@jit(forceinline=True)
def exponential(group, q):
    """Compute e^{iq}, each lane by as many squarings as its own q needs."""
    size = sizes(group, q)
    while any_above(size, ENOUGH):
        size = halved(size)
    e, left = small_exponential(group, q, size), halvings(size)
    while any_above(left, 0.5):
        e = squared(group, left, e)
        left = one_less(left)
    return e


@formula
def purified(group: Links, u: Numbers) -> Numbers:
    """Bring links that rounding has moved back to the group."""
    return group.purified(u)


@formula
def whole(group: Links, u: Numbers) -> Numbers:
    """Return all numbers of links."""
    return group.whole(u)
