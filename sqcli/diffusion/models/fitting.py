"""Mode statistics from data: units, spectra by maximum likelihood, density of the slow mode, quality of a denoiser.

The modes h_k of x given M are taken as N(0, 1/(a(p̂²) + b(p̂²) M²)) with polynomials a and b: the likelihood is concave
in their coefficients, and a smooth 1/G serves lattices of any size. Without slow mode the mode k = 0 stands apart.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sqcli.diffusion.modes import modes
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.magnetisation import SlowMode
from sqcli.diffusion.process.mode_statistics import FLOOR, ModeStatistics
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.momentum import phat2

DEGREES = (3, 2)  # degrees of the polynomials a and b
NEWTON = 50
LEVELS = 32  # noise levels of the table of ratios
BATCH = 256
KNOTS = 6  # momenta up to which ratios are not smoothed: a spline needs five beside k = 0


def fit(fields: Tensor, lattice: Lattice, slow_mode: bool) -> ModeStatistics:
    """Fit mode statistics to φ (n, *extents), float64, with ratio 1.

    Args:
        fields: equilibrium configurations, some thousand at best.
        lattice: the lattice of the configurations.
        slow_mode: whether M is drawn first, so that the rest is described given M.
    """
    axes = tuple(range(-lattice.dimension, 0))
    mean = fields.mean(axes)
    rest = fields - mean.reshape(-1, *(1,) * lattice.dimension) if slow_mode and lattice.volume > 1 else fields
    scale = float((rest**2).mean().sqrt()) or 1.0
    momenta, row_of = np.unique(phat2(lattice.extents).round(9), return_inverse=True)
    squares = _binned(modes(rest / scale, lattice.dimension) ** 2, torch.from_numpy(row_of.reshape(-1)), len(momenta))
    m2 = (mean / scale) ** 2 if slow_mode else None
    table = torch.from_numpy(momenta)
    counts = torch.bincount(torch.from_numpy(row_of.reshape(-1)), minlength=len(momenta)).double()
    stiffness = _stiffness(squares, counts, table, m2)
    slow = SlowMode.fit(mean / scale, lattice.volume).numbers if slow_mode else torch.zeros(0, dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    return ModeStatistics(scale, table, stiffness, one, torch.ones(1, len(momenta), dtype=torch.float64), slow)


def _binned(values: Tensor, bin_of: Tensor, bins: int) -> Tensor:
    """Mean over the modes of equal p̂²: (n, *extents) -> (n, bins)."""
    flat = values.reshape(len(values), -1)
    sums = torch.zeros(len(flat), bins, dtype=flat.dtype, device=flat.device)
    sums.index_add_(1, bin_of.to(flat.device), flat)
    return sums / torch.bincount(bin_of, minlength=bins).to(flat)


def _stiffness(squares: Tensor, counts: Tensor, momenta: Tensor, m2: Tensor | None) -> Tensor:
    """Fit stiffnesses, (1 or 2, K): polynomials for k ≠ 0; the mode 0, where it is not drawn first, by itself."""
    if len(momenta) == 1:
        inverse = 1 / squares.mean(0, keepdim=True).clamp(min=FLOOR)
        return inverse if m2 is None else torch.cat([inverse, torch.zeros_like(inverse)])
    rest = slice(1, None)
    found = _polynomials(squares[:, rest], counts[rest], momenta[rest], m2)
    first = found[:, :1].clone()
    if m2 is None:
        first = 1 / squares[:, :1].mean(0, keepdim=True).clamp(min=1e-12)
    return torch.cat([first, found], dim=1)


def _polynomials(squares: Tensor, counts: Tensor, momenta: Tensor, m2: Tensor | None) -> Tensor:
    """Minimise Σ counts [h² q − log q]/2 with q = a + b M² by Newton's method, starting from the plain spectrum."""
    degrees = [min(DEGREES[0], len(momenta) - 1)] + ([min(DEGREES[1], len(momenta) - 1)] if m2 is not None else [])
    u = momenta / momenta.max()
    bases = [torch.stack([u**j for j in range(degree + 1)]) for degree in degrees]
    # normal equations: lstsq gives other last bits from call to call, and a run that is repeated must end as the first
    start = torch.linalg.solve(bases[0] @ bases[0].T, bases[0] @ (1 / squares.mean(0)))
    c = torch.cat([start, *(torch.zeros(degree + 1, dtype=torch.float64) for degree in degrees[1:])])
    factor = [torch.ones(len(squares), dtype=torch.float64)] + ([m2] if m2 is not None else [])
    for _ in range(NEWTON):
        q = _quadratic(c, bases, factor)
        slope, bend = counts * (squares - 1 / q) / 2, counts / (2 * q**2)
        gradient = torch.cat([b @ (f @ slope) for b, f in zip(bases, factor, strict=True)])
        rows = [[(b * (f * g @ bend)) @ d.T for d, g in zip(bases, factor, strict=True)]
                for b, f in zip(bases, factor, strict=True)]  # fmt: skip
        hessian = torch.cat([torch.cat(row, 1) for row in rows], 0)
        hessian = hessian + 1e-10 * torch.diag(hessian.diagonal())
        step, length = torch.linalg.solve(hessian, gradient), 1.0
        while _quadratic(c - length * step, bases, factor).min() < FLOOR and length > 1e-8:
            length /= 2
        c = c - length * step
        if float((length * step).abs().max()) < 1e-10 * float(c.abs().max()):
            break
    parts = c.split_with_sizes([degree + 1 for degree in degrees])
    return torch.stack([part @ basis for part, basis in zip(parts, bases, strict=True)])


def _quadratic(c: Tensor, bases: list[Tensor], factor: list[Tensor]) -> Tensor:
    """Inverse variances a + b M² for coefficients c: (n, K)."""
    parts = c.split_with_sizes([len(basis) for basis in bases])
    terms = [f[:, None] * (part @ basis) for part, basis, f in zip(parts, bases, factor, strict=True)]
    return torch.stack(terms).sum(0)


@torch.no_grad()
def calibrate(denoiser: Denoiser, fields: Tensor, seed: int) -> ModeStatistics:
    """Measure ratios: what D leaves of each mode over G s²/(G + s²); the denoiser's statistics with them.

    Args:
        denoiser: the denoiser with the trained network.
        fields: φ (n, *extents) float64 of the denoiser's lattice, better not those trained on.
        seed: the seed of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    schedule, lattice = denoiser.schedule, denoiser.lattice
    levels = schedule.levels(LEVELS - 1).flip(0).to(denoiser.device)
    momenta, row_of = np.unique(phat2(lattice.extents).round(9), return_inverse=True)
    where = torch.from_numpy(row_of.reshape(-1))
    rows = []
    for level in levels:
        total = torch.zeros(len(momenta), dtype=torch.float64)
        for part in (fields[i : i + BATCH] for i in range(0, len(fields), BATCH)):
            x, given, _ = denoiser.split(denoiser.from_field(part.to(denoiser.device)))
            z = torch.randn(x.shape, dtype=torch.float64, generator=generator).to(denoiser.device)
            left = modes(x - denoiser.denoise(x + level * denoiser.project(z), level, given), lattice.dimension) ** 2
            g = denoiser.spectrum(given)
            total += _binned(left * (g + level**2) / (g * level**2), where, len(momenta)).sum(0).cpu()
        rows.append(total / len(fields))
    counts = torch.bincount(where, minlength=len(momenta)).double()
    ratio = torch.stack([_smoothed(row, momenta, counts) for row in rows]).to(denoiser.device)
    if denoiser.net.slow_mode:
        ratio[:, 0] = 1.0
    table = torch.from_numpy(momenta).to(denoiser.device)
    statistics, stiffness = denoiser.statistics, denoiser.statistics.stiffness
    if len(table) != len(statistics.phat2):
        stiffness = statistics.at(stiffness, lattice)
    return replace(statistics, levels=levels, ratio=ratio.clamp(min=1e-6), phat2=table, stiffness=stiffness)


def _smoothed(row: Tensor, momenta: NDArray[np.float64], counts: Tensor) -> Tensor:
    """Smooth measured ratios (K,) in ln p̂² where k ≠ 0: their noise would be noise of every path weight."""
    if len(row) <= KNOTS:
        return row
    from scipy.interpolate import make_smoothing_spline

    log_momenta = np.log(momenta[1:])
    spline = make_smoothing_spline(log_momenta, row[1:].clamp(min=1e-6).log().numpy(), w=counts[1:].numpy())
    return torch.cat([row[:1], torch.from_numpy(np.exp(spline(log_momenta)))])
