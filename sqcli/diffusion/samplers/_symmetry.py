"""Check of symmetry: is the reverse process of a model symmetric under φ → −φ, as the action may be?"""

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser

TOLERANCE = 1e-4  # relative; networks compute in single precision


@torch.no_grad()
def sign_symmetric(denoiser: Denoiser, levels: Tensor, fields: Tensor) -> bool:
    """Tell whether S and the slow mode's density are even, and D odd at the first, middle and last level, on fields.

    Args:
        denoiser: network, statistics and theory that are looked at.
        levels: noise levels of the reverse process.
        fields: configurations φ (n, *extents) on which the symmetry is tried.
    """
    theory, lattice = denoiser.theory, denoiser.lattice
    y, given, slow = denoiser.split(denoiser.from_field(fields))
    _, _, other = denoiser.split(denoiser.from_field(-fields))
    same = _near(theory.action(fields, lattice), theory.action(-fields, lattice)) and _near(slow, other)
    for level in (levels[0], levels[len(levels) // 2], levels[-1]):
        here = denoiser.denoise(y, level, given)
        same = same and _near(here, -denoiser.denoise(-y, level, None if given is None else -given))
    return same


def _near(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() <= TOLERANCE * one.abs().max())
