"""Smeared links, APE (Albanese et al., Phys. Lett. B 192, 163, 1987) and stout (hep-lat/0311018), in all directions.

One APE step of weight α takes U to the matrix of the group that is nearest to (1 − α) U + α A†/(2(D − 1)), A† being the
sum of all detours of three links around the link: its unitary factor, for SU(N) less the phase of its determinant. One
stout step of weight ρ takes U to exp(−ρ M) U, M the anti-Hermitian part of U A, for SU(N) without its trace: an Euler
step of the gradient flow. Both commute with gauge transformations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from sqcli.observables._base import LINKS, Array, LatticeTheory, Observable
from sqcli.observables._flow_kernel import FlowKernel
from sqcli.parameters import require_count

USUAL = {"ape": 0.5, "stout": 0.1}
MOST_STEPS = 10_000


@dataclass(frozen=True)
class SmearedObservable(Observable):
    """Base of observables of links that are smeared `smearing_steps` times; auto weights are 0.5 (APE), 0.1 (stout)."""

    smearing: Literal["none", "ape", "stout"] = "none"
    smearing_steps: int = 1
    smearing_weight: float | Literal["auto"] = "auto"
    on: ClassVar[tuple[str, ...]] = LINKS

    def __post_init__(self) -> None:
        """Refuse numbers that go with no smearing, or that cannot be."""
        require_count("smearing_steps", self.smearing_steps, 1, MOST_STEPS)
        if self.smearing == "none" and (self.smearing_steps, self.smearing_weight) != (1, "auto"):
            raise ValueError("smearing_steps and smearing_weight need smearing=ape or smearing=stout")
        if self.smearing_weight != "auto" and not 0 < self.smearing_weight <= 1:
            raise ValueError(f"smearing_weight must be above 0 and at most 1, not {self.smearing_weight:g}")

    @property
    def smearing_options(self) -> Mapping[str, Any]:
        """Options of the smearing, by name."""
        names = ("smearing", "smearing_steps", "smearing_weight")
        return {name: getattr(self, name) for name in names}

    @property
    def weight(self) -> float:
        """Weight of a step."""
        return USUAL[self.smearing] if self.smearing_weight == "auto" else self.smearing_weight

    def defined(self) -> str:
        """`definition` with the smearing of its links."""
        if self.smearing == "none":
            return super().defined()
        return f"{super().defined()}; links after {self.smearing_steps} {self.smearing} steps of weight {self.weight:g}"

    def smeared(self, fields: Array, theory: LatticeTheory) -> Array:
        """Smear links (n, *site)."""
        if self.smearing == "stout":
            return np.stack([_stout(links, theory, self.weight, self.smearing_steps) for links in fields])
        for _ in range(self.smearing_steps if self.smearing == "ape" else 0):
            fields = _ape(fields, theory, self.weight)
        return fields


def _stout(links: Array, theory: LatticeTheory, weight: float, steps: int) -> Array:
    """Smear the links (*site) of one configuration by kicks from rest."""
    kernel = FlowKernel(theory.loaded, theory.lattice)
    before, momentum = kernel.padded(links), np.empty(kernel.momentum_size)
    after = np.zeros_like(before)
    for _ in range(steps):
        momentum[:] = 0.0
        kernel.step(before, after, momentum, weight, 1.0)
        before, after = after, before
    return kernel.links(before)


def _ape(fields: Array, theory: LatticeTheory, weight: float) -> Array:
    """Smear links (n, *site) once; angles as matrices of one entry."""
    from sqcli.theories.un import UN  # loads numba

    lattice, angles = theory.lattice, fields.ndim == 2 + theory.lattice.dimension
    group = UN(1, 1.0) if angles else theory.loaded
    links = np.exp(1j * fields)[..., None, None] if angles else fields
    detours = group.staples(links, lattice).conj().swapaxes(-1, -2) / (2 * (lattice.dimension - 1))
    found = group.manifold.project((1 - weight) * links + weight * detours)
    return np.asarray(np.angle(found[..., 0, 0]) if angles else found)
