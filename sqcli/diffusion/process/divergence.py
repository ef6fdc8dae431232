"""Divergence of the probability flow: N − tr ∂D/∂y over the modes that y holds, exactly or by probes.

With probes u, ⟨u uᵀ⟩ = 1, tr J = tr W + ⟨uᵀ (J − W) u⟩, where W = G/(G + s²) is the Wiener filter, whose trace is
known: only what the network adds to it is estimated. Plain probes are random signs on all sites (Skilling, Hutchinson);
coloured ones are supported on sites at least a distance apart, so that their products see nearby sites only through
the diagonal. Probes are drawn once for a trajectory and kept on it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.modes import filtered
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.noise import Noise
from sqcli.lattice.geometry import Lattice

SITES_TOGETHER = 1 << 17  # sites in the network at once, over draws and probes, as its graph is kept for them
ORDERS = 4  # terms of the series of log det
FIRST = 1  # number of the first noise field that probes use


@dataclass(frozen=True)
class Divergence:
    """Traces of the network's Jacobian along the trajectories of some draws.

    Attributes:
        denoiser: the denoiser whose Jacobian is meant.
        given: the slow mode or None.
        probes: (P, n or 1, *extents), without the modes that y does not hold; unit vectors when `exact`.
    """

    denoiser: Denoiser
    given: Tensor | None
    probes: Tensor
    exact: bool

    def trace(self, y: Tensor, level: Tensor) -> Tensor:
        """Trace of ∂D/∂y at levels () or (n,): (n,)."""
        if self.exact:
            return _total(self._forms(y, level, self.probes))
        known = self._wiener(level)
        forms = self._forms(y, level, self.probes) - self.probes * filtered(self.probes, known, len(self._axes))
        return known.sum(self._axes) + _total(forms)

    def log_halved(self, y: Tensor, level: Tensor) -> Tensor:
        """Log determinant of the Jacobian of y -> (y + D)/2, (n,); with probes by its series in J − W."""
        if self.exact:
            vectors = self.denoiser.lattice.volume
            rows = self._products(y, level, self.probes).reshape(vectors, len(y), vectors).transpose(0, 1)
            halved = (torch.eye(vectors, dtype=y.dtype, device=y.device) + rows) / 2
            unused = vectors - self.denoiser.freedoms  # each of these directions is halved
            logs: Tensor = torch.linalg.slogdet(halved)[1]
            return logs + unused * math.log(2.0)
        known, d = self._wiener(level), len(self._axes)
        forms, power = torch.zeros_like(y), self.probes
        for order in range(1, ORDERS + 1):
            left = filtered(power, self.denoiser.mask / (1 + known), d)
            power = self._products(y, level, left) - filtered(left, known, d)
            forms = forms - (-1) ** order / order * (self.probes * power).sum(0)
        known = self.denoiser.mask * torch.log((1 + known) / 2)
        return known.sum(self._axes) + forms.sum(self._axes)

    @property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-self.denoiser.lattice.dimension, 0))

    def _wiener(self, level: Tensor) -> Tensor:
        g = self.denoiser.spectrum(self.given)
        return self.denoiser.mask * g / (g + level.reshape(-1, *(1 for _ in self._axes)) ** 2)

    def _forms(self, y: Tensor, level: Tensor, left: Tensor) -> Tensor:
        """Terms of the sums uᵀ J l, (P, n, *extents)."""
        return self._products(y, level, left) * self.probes

    def _products(self, y: Tensor, level: Tensor, left: Tensor) -> Tensor:
        """Products Jᵀ l, (P, n, *extents)."""
        together = max(1, SITES_TOGETHER // y.numel())
        return torch.cat([self._chunk(y, level, part) for part in torch.split(left, together)])

    @torch.enable_grad()
    def _chunk(self, y: Tensor, level: Tensor, left: Tensor) -> Tensor:
        count = len(left)
        many = y.detach().repeat(count, *(1 for _ in y.shape[1:])).requires_grad_()
        given = None if self.given is None else self.given.repeat(count)
        levels = level if level.dim() == 0 else level.repeat(count)
        found = self.denoiser.denoise(many, levels, given)
        along = left.expand(count, *y.shape).reshape(many.shape)
        (product,) = torch.autograd.grad(found, many, along)
        return self.denoiser.project(product).reshape(count, *y.shape)


def divergence(
    kind: str, denoiser: Denoiser, given: Tensor | None, noise: Noise, distance: int, count: int
) -> Divergence:
    """Build the trace estimator `kind`: exact, coloured (with `distance`) or hutchinson (with `count` probes)."""
    if kind == "exact":
        return exact_divergence(denoiser, given)
    if kind == "coloured":
        return coloured_divergence(denoiser, given, noise, distance)
    return plain_divergence(denoiser, given, noise, count)


def exact_divergence(denoiser: Denoiser, given: Tensor | None) -> Divergence:
    """Build the exact trace, with all unit vectors as probes."""
    volume = denoiser.lattice.volume
    vectors = torch.eye(volume, dtype=torch.float64, device=denoiser.device)
    fields = denoiser.project(vectors.reshape(volume, *denoiser.lattice.extents))
    return Divergence(denoiser, given, fields[:, None], exact=True)


def plain_divergence(denoiser: Denoiser, given: Tensor | None, noise: Noise, count: int) -> Divergence:
    """Build the estimator of Hutchinson: `count` random signs on all sites, each counting 1/count."""
    signs = torch.stack([denoiser.project(noise.normal(FIRST + i).sign()) for i in range(count)])
    return Divergence(denoiser, given, signs / math.sqrt(count), exact=False)


def coloured_divergence(denoiser: Denoiser, given: Tensor | None, noise: Noise, distance: int) -> Divergence:
    """Build the coloured estimator: a probe for each colour, with random signs on the sites of that colour."""
    colours = colouring(denoiser.lattice, distance).to(denoiser.device)
    signs = noise.normal(FIRST).sign()
    count = int(colours.max()) + 1
    numbers = torch.arange(count, device=denoiser.device).reshape(-1, 1, *(1 for _ in denoiser.lattice.extents))
    probes = torch.where(colours == numbers, signs, 0.0)
    flat = denoiser.project(probes.reshape(-1, *denoiser.lattice.extents))
    return Divergence(denoiser, given, flat.reshape(probes.shape), exact=False)


def colouring(lattice: Lattice, distance: int) -> Tensor:
    """Colour the sites (*extents): equal colours are multiples of an extent's largest divisor ≤ distance apart."""
    colours = torch.zeros(lattice.extents, dtype=torch.int64)
    for axis, extent in enumerate(lattice.extents):
        period = max(n for n in range(1, extent + 1) if extent % n == 0 and n <= distance)
        shape = tuple(-1 if other == axis else 1 for other in range(lattice.dimension))
        colours = colours * period + (torch.arange(extent) % period).reshape(shape)
    return colours


def _total(forms: Tensor) -> Tensor:
    """Sum over probes and sites, (probes, n, *extents) -> (n,); row by row, in an order that n does not change."""
    return forms.transpose(0, 1).flatten(1).sum(1)
