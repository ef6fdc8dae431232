"""Protocols of a theory: what it states, and all that an algorithm knows of it. A theory knows no algorithm.

The array functions `action` and `drift` are the definition, written as in a paper, for NumPy arrays and torch
tensors alike. The compiled kernels are the same formulas as whole sweeps over the padded layout; tests hold the
two together. Abilities that not every theory has (cluster flips, local updates) are protocols of their own.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the lattice loads numba, which a reader of these protocols does not need
    from sqcli.lattice.geometry import Lattice
    from sqcli.lattice.jit import Kernel
    from sqcli.lattice.manifold import Manifold

FLOW = (
    "int64(real[::1], real[::1], real[::1], real[::1], uint64[::1], float64[::1], float64[::1], float64[::1], float64)"
)
FINISH = "void(real[::1], real[::1], uint64[::1], float64[::1], float64, float64[::1])"
LOCAL = "float64(real[::1], uint64, float64, uint32[::1], float64[::1])"
SWEEP = "float64(real[::1], uint64[::1], uint32[::1], float64[::1], uint64, uint64[::1])"
JUMP = "float64(real[::1], uint64[::1], uint32[::1], float64[::1], float64, uint64, uint64[::1])"
HOLOMORPHIC = "void(complex128[::1], uint32[::1], float64[::1], complex128[::1], complex128[::1])"

References = Mapping[tuple[str, str | None], Any]  # real or complex numbers


class Theory(Protocol):
    """Lattice theory with action S; a frozen dataclass of its parameters.

    Attributes:
        manifold: where the field lives.
        formula: the action in one line, stored with every ensemble.
        flow: kernel (start, a, b, momentum, geometry, couplings, kicks, drifts, step) -> 1 or 2. Alternating sweeps
            p ← p − step·kick_i ∂S/∂φ, φ ← φ moved by step·drift_i p, from `start`, which is left as it is, through
            the buffers `a`, `b`; returns which of the two holds the end (1: a, 2: b).
        finish: kernel (field, momentum, geometry, couplings, kick, energies): the last p ← p − kick ∂S/∂φ of a
            trajectory, in place, with S in energies[0] and ½ Σ p² in energies[1].
    """

    manifold: "ClassVar[Manifold]"
    formula: ClassVar[str]
    flow: "ClassVar[Kernel]"
    finish: "ClassVar[Kernel]"

    def check(self, lattice: "Lattice") -> None:
        """Raise UsageError when the theory does not exist on `lattice`."""

    def couplings(self, lattice: "Lattice") -> NDArray[np.float64]:
        """Return the numbers that the kernels read, (k,)."""

    def action(self, field: Any, lattice: "Lattice") -> Any:
        """Compute S of each configuration of a batch, (n, *site) -> (n,)."""

    def drift(self, field: Any, lattice: "Lattice") -> Any:
        """Compute −∂S/∂φ, of the shape of `field`."""

    def identities(self, field: NDArray[Any], lattice: "Lattice") -> Mapping[str, NDArray[np.float64]]:
        """Compute Schwinger–Dyson residuals O ∂S/∂φ − ∂O/∂φ, of mean 0: name -> (n,), averaged over the lattice."""

    def exact(self, lattice: "Lattice") -> References:
        """Return known expectation values: (observable, component) -> value; empty where nothing is known."""


@runtime_checkable
class LocalUpdates(Protocol):
    """Theory whose action can be changed one degree of freedom, a real number, at a time.

    Attributes:
        period: proposals are brought into (−period/2, period/2]; 0: they are not.
    """

    period: ClassVar[float]
    local_change: "ClassVar[Kernel]"
    """Kernel (field, i, proposal, neighbours, couplings) -> S[φ_i = proposal] − S, on flat sites."""


@runtime_checkable
class SweepProposals(Protocol):
    """Theory whose degrees of freedom, not real numbers, can be proposed anew near where they are.

    Attributes:
        widest: width beyond which proposals are no longer spread any wider.
    """

    widest: ClassVar[float]
    jump: "ClassVar[Kernel]"
    """Kernel (sites, geometry, neighbours, couplings, width, update, key): Metropolis proposals for every degree of
    freedom, one after the other and in place, on flat sites; returns the share accepted."""


@runtime_checkable
class ConditionalDraws(Protocol):
    """Theory that can draw each degree of freedom from its distribution given all the others."""

    redraw: "ClassVar[Kernel]"
    """Kernel (sites, geometry, neighbours, couplings, update, key): draws them one after the other, in place, on flat
    sites; returns 1."""


@runtime_checkable
class Reflections(Protocol):
    """Theory that can take each degree of freedom to another value of the same action, and back by the same rule."""

    reflect: "ClassVar[Kernel]"
    """Kernel (sites, geometry, neighbours, couplings, update, key): takes them there one after the other, in place, on
    flat sites; returns the share accepted."""


@runtime_checkable
class SectorMoves(Protocol):
    """Theory that can propose a configuration of a neighbouring topological sector."""

    change_sector: "ClassVar[Kernel]"
    """Kernel (sites, geometry, neighbours, couplings, update, key): proposes one, decides by Metropolis, in place, on
    flat sites; returns the share accepted."""

    def require_sectors(self, lattice: "Lattice") -> None:
        """Raise UsageError where the lattice has none, or no such move is known."""


@runtime_checkable
class ClusterFlips(Protocol):
    """Theory with S = −J Σ φ_x φ_y over nearest neighbours + terms even in φ_x: an Ising model in the signs."""

    def bond_coupling(self, lattice: "Lattice") -> float:
        """Return J: a bond freezes with probability 1 − exp(−2J φ_x φ_y)."""


@runtime_checkable
class HolomorphicAction(Protocol):
    """Theory with a complex action, whose fields complex Langevin moves off the real axis; it has no `flow`."""

    holomorphic: "ClassVar[Kernel]"
    """Kernel (z, neighbours, couplings, drift, slope): −∂S/∂z_i and −∂²S/∂z_i² of all the complex numbers z_i of a
    field, on flat sites, one component after the other."""

    def stiffness(self, lattice: "Lattice") -> complex:
        """Compute ∂²S/∂z² at z = 0 of one of the numbers."""


@runtime_checkable
class ChargedField(Protocol):
    """Theory with a conserved charge and a chemical potential μ for it."""

    def density(self, field: Any, lattice: "Lattice") -> Any:
        """Compute −(1/V) ∂S/∂μ of each configuration, (n, *site) -> (n,)."""


@runtime_checkable
class PolynomialPotential(Protocol):
    """Theory of one variable, real or complex, with S = c₂z² + c₄z⁴."""

    def potential(self, z: Any, /) -> Any:
        """Compute S(z), element by element."""

    def terms(self) -> tuple[complex, complex]:
        """Return (c₂, c₄)."""


@runtime_checkable
class KnownDenoiser(Protocol):
    """Theory of which everything about y = φ₀ + s z, φ₀ ~ e^{−S}/Z, z ~ N(0, 1), is known; torch, float64."""

    def denoise(self, y: Any, level: Any, lattice: "Lattice") -> Any:
        """Denoise y: D(y, s) = E[φ₀ | y], y (n, *site), s () or (n,) -> (n, *site); y itself where s = 0."""

    def log_density(self, y: Any, level: Any, lattice: "Lattice") -> Any:
        """Compute log p_s(y), normalised, (n,); −S − log Z where s = 0."""

    def log_partition(self, lattice: "Lattice") -> float:
        """Compute log Z = log ∫ e^{−S}."""


@runtime_checkable
class IndependentDraws(Protocol):
    """Theory that can be drawn from directly."""

    def independent(self, normals: NDArray[np.float64], lattice: "Lattice") -> NDArray[Any]:
        """Turn rows of independent N(0, 1) numbers, a field's real numbers each, into configurations (n, *site).

        A row may be shaped as a field is. A configuration is the same to the last digit, whatever else is in the batch.

        Raises:
            UsageError: where no such way is known on `lattice`, even for an empty batch.
        """


@runtime_checkable
class RestrictedDraws(Protocol):
    """Theory that can be drawn from directly on some lattices, or at some couplings, only."""

    def require_independent(self, lattice: "Lattice") -> None:
        """Raise UsageError where `independent` cannot be used; it costs nothing, whatever the lattice."""


@runtime_checkable
class GaussianReference(Protocol):
    """Theory whose kernels know a Gaussian action as well, with couplings on the straight line to its own.

    The action of the kernels is linear in those couplings in which the two differ.
    """

    def reference(self, lattice: "Lattice") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the couplings of a Gaussian S₀ near S, and its spectrum ⟨|φ̃(k)|²⟩/V, (*extents) as in `numpy.fft`."""
