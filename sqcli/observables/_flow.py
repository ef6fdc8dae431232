"""Gradient flow V̇_μ(x) = −∂S̃(V) V_μ(x) of links, S̃ = 2 Σ_□ Re tr(1 − V_□), whatever the coupling (1006.4518).

For matrices the right-hand side is minus the anti-Hermitian part of V_μ(x) A_μ(x), A the sum of the staples, for SU(N)
without its trace; angles move by −Σ_{ν≠μ} [sin θ_μν(x) − sin θ_μν(x−ν̂)]. So t is in units of a², links are smoothed
over √(8t), and t²⟨E(t)⟩ is the usual number.

The third-order Runge–Kutta scheme of 1006.4518, appendix C, is a trajectory of molecular dynamics that starts at rest:
with kicks 1, −32/17, 27/17 times the step, and drifts ¼, −17/36, 17/36, the theory's own kernel takes its three stages.
The step adapts (1301.4388, appendix D): a second-order solution from the same forces, which times the step are Z₀, Z₁
and Z₂, differs from it by ¾Z₂ − 2Z₁ + (5/4)Z₀, up to commutators of the same order. What is allowed shrinks with the
forces, so that smooth fields are as accurate as rough ones. Flow times that are asked for are hit exactly.
"""

import math
from typing import Any

import numpy as np

from sqcli.lattice.geometry import Lattice
from sqcli.observables._base import Array
from sqcli.observables._flow_kernel import FlowKernel

KICKS, DRIFTS = (1.0, -32 / 17, 27 / 17), (1 / 4, -17 / 36, 17 / 36)
DIFFERENCE = np.array([1.25, -2.0, 0.75]) / KICKS @ np.array([[1, 0, 0], [-1, 1, 0], [0, -1, 1]])  # by momenta
TOLERANCE = 1e-6  # of this difference for the link where it is largest; E(t) is right to 1e−6 of itself
SMOOTH = 1e-6  # force below which only rounding is left
FIRST, SMALLEST = 0.01, 1e-9  # steps
SAFETY, LEAST, MOST = 0.95, 0.2, 4.0  # factors between one step and the next
STABLE = 0.5  # step times dimension; the scheme is unstable from 0.63 on


class FlowedLinks:
    """Configuration on its way along the flow of its theory; `time` is how far it has come."""

    def __init__(self, links: Array, theory: Any, lattice: Lattice, tolerance: float = TOLERANCE) -> None:
        """Begin at the links (*site) of one configuration of the loaded `theory`."""
        self.time, self._tolerance, self._lattice = 0.0, tolerance, lattice
        self._kernel, self._step = FlowKernel(theory, lattice), min(FIRST, STABLE / lattice.dimension)
        self._here = self._kernel.padded(links)
        self._stages = [np.zeros_like(self._here) for _ in KICKS]
        self._momentum = np.zeros(self._kernel.momentum_size)
        self._momenta = np.empty((len(KICKS), len(self._momentum)))

    @property
    def links(self) -> Array:
        """Links (*site) at `time`."""
        return self._kernel.links(self._here)

    def advance(self, time: float) -> None:
        """Follow the flow up to `time`; links that are no numbers, or far from the group, end as no numbers."""
        while self.time < time:
            count = math.ceil((time - self.time) / self._step)
            step = (time - self.time) / count
            off = self.attempt(step)
            if not math.isfinite(off):
                self._here[:], self.time = math.nan, time
                return
            if off <= self._tolerance or step < SMALLEST:
                self.accept()
                self.time = time if count == 1 else self.time + step
            factor = SAFETY * (self._tolerance / off) ** (1 / 3) if off > 0 else MOST
            self._step = min(STABLE / self._lattice.dimension, step * min(max(factor, LEAST), MOST))

    def attempt(self, step: float) -> float:
        """Take the three stages of one step; return how far the other solution is away, in units of small forces."""
        before = self._here
        self._momentum[:] = 0.0
        for stage, (after, kick, drift) in enumerate(zip(self._stages, KICKS, DRIFTS, strict=True)):
            self._kernel.step(before, after, self._momentum, kick * step, drift)
            self._momenta[stage], before = self._momentum, after
        force = self._largest(self._momenta[0]) / step
        first, second, third = (weight * part for weight, part in zip(DIFFERENCE, self._momenta, strict=True))
        return self._largest(first + second + third) / max(min(force, 1.0), SMOOTH)

    def accept(self) -> None:
        """Go on from the end of the step that was attempted."""
        self._here, self._stages[-1] = self._stages[-1], self._here

    def _largest(self, impulse: Array) -> float:
        """Length √(Σ_a v_a²) of an impulse on the link where it is longest."""
        shape = self._lattice.dimension, self._kernel.generators, self._lattice.padded_volume
        planes = impulse.reshape(shape)
        squares = np.einsum("mgx,mgx->mx", planes, planes)  # ghosts as well, which is faster than to leave them out
        return float(np.sqrt(self._lattice.inner(squares.reshape(-1)).max()))
