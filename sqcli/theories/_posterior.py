"""Exact denoiser of one real variable: D(y, s) = E[x₀ | y = x₀ + s z] and log p_s(y), by quadrature in torch.

The posterior e^{−S(x) − (x−y)²/2s²} is integrated over t = x − y by the trapezoidal rule, which converges faster than
any power for such integrands. The window follows from bounds: with x* the minimum of S on the side of y, the posterior
is below e^{−MARGIN} of its maximum where t² > 2s²(S(y) − S(x*) + MARGIN), and where
S(x) − S(x*) > (x*−y)²/2s² + MARGIN. Two coarse passes over it narrow it down to where the mass is.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqcli.theories._quadrature import Potential, quadrature

if TYPE_CHECKING:
    from torch import Tensor

MARGIN = 50.0
COARSE = 4  # steps of the rule that one step of the first two passes spans
WALLS = 1e9  # S − min S up to which the outer wall is tabulated


def denoise(theory: Potential, y: "Tensor", level: "Tensor") -> "Tensor":
    """Compute E[x₀ | y], (n,) float64 and level () or (n,) -> (n,); y where the level is 0."""
    import torch

    t, log = _posterior(theory, y, level)
    shift = (torch.softmax(log, -1) * t).sum(-1)
    return y + torch.where(level > 0, shift, 0.0)


def log_density(theory: Potential, y: "Tensor", level: "Tensor") -> "Tensor":
    """Compute log p_s(y), (n,); −S − log Z where the level is 0."""
    import torch

    t, log = _posterior(theory, y, level)
    safe = torch.where(level > 0, level, 1.0)
    smooth = torch.logsumexp(log, -1) + torch.log((t[:, 1] - t[:, 0]) / safe) - 0.5 * np.log(2 * np.pi)
    return torch.where(level > 0, smooth, -theory.potential(y)) - quadrature(theory).log_z


def _posterior(theory: Potential, y: "Tensor", level: "Tensor") -> tuple["Tensor", "Tensor"]:
    """Lay out offsets t = x − y and −S − t²/2s² there, (n, points + 1) each; autograd by y holds the offsets fixed."""
    import torch

    s = torch.where(level > 0, level, 1.0).expand(len(y))[:, None]

    def log(t: "Tensor", centre: "Tensor") -> "Tensor":
        value: Tensor = -theory.potential(centre[:, None] + t) - 0.5 * (t / s) ** 2
        return value

    points = quadrature(theory).points
    share = torch.linspace(0, 1, points + 1, dtype=y.dtype, device=y.device)
    with torch.no_grad():
        low, high = _window(theory, y.detach(), s[:, 0])
        for _ in range(2):
            t = low[:, None] + (high - low)[:, None] * share[::COARSE]
            low, high = _narrowed(t, log(t, y.detach()))
        t = low[:, None] + (high - low)[:, None] * share
    return t, log(t, y)


def _narrowed(t: "Tensor", log: "Tensor") -> tuple["Tensor", "Tensor"]:
    """Find the ends, (n,) each, of the part of a row that matters, and one step more on either side."""
    import torch

    inside = (log > log.amax(-1, keepdim=True) - MARGIN).to(torch.int8)
    first, last = inside.argmax(-1, keepdim=True), inside.flip(-1).argmax(-1, keepdim=True)
    end = t.shape[-1] - 1
    low, high = t.gather(-1, (first - 1).clamp(min=0)), t.gather(-1, (end - last + 1).clamp(max=end))
    return low[:, 0], high[:, 0]


def _window(theory: Potential, y: "Tensor", s: "Tensor") -> tuple["Tensor", "Tensor"]:
    """Bound the offsets t from below and above, (n,) each."""
    import torch

    found = quadrature(theory)
    nearest = torch.where(y < 0, -found.lowest, found.lowest)
    width = s * torch.sqrt(2 * (theory.potential(y) - found.least + MARGIN))
    height = ((nearest - y) / s) ** 2 / 2 + MARGIN
    heights, distances = (torch.from_numpy(values).to(y) for values in _wall(theory))
    at = torch.searchsorted(heights, height).clamp(max=len(heights) - 1)
    wall = torch.where(height <= heights[-1], distances[at], y.abs() + width)
    return torch.maximum(-width, -wall - y), torch.minimum(width, wall - y)


@lru_cache(maxsize=64)
def _wall(theory: Potential) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tabulate heights, increasing, and for each the distance from 0 beyond which S − min S is higher."""
    found = quadrature(theory)
    distances = found.reach * np.concatenate([np.linspace(0, 1, 1001)[1:], np.geomspace(1, 1e5, 4001)[1:]])
    heights = np.asarray(theory.potential(distances)) - found.least
    heights = np.minimum.accumulate(heights[::-1])[::-1]  # the lowest of all that are further out
    kept = heights < WALLS
    return heights[kept], distances[kept]
