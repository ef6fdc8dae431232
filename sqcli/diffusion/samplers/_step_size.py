"""Step sizes of adjusted Langevin steps, from the curvature of the action.

For a Gaussian with precisions k the logarithms of acceptance ratios have the variance (2ε)³ Σ k³/16. Of trajectories
of several leapfrog steps δ² = 2ε it is δ⁴ Σ k² sin²φ/16, φ = √k times the length; 5/8 is taken for sin²φ, whose mean
is 1/2. Near the vacuum the precisions of links are κ p̂², D − 1 times for each generator, with κ = β/(2N), for angles
β. Away from it plaquettes below 1 make them smaller, their fluctuations wider: measured acceptance is 0.66 to 0.85,
also at strong coupling.
"""

import math
from collections.abc import Callable
from typing import Any

from sqcli.diffusion.links.lie import generators
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.momentum import phat2

SPREAD = 0.64  # variance of log acceptance ratios aimed at: 69 % accepted


def gaussian_step(stiffness: Callable[[int], float], leapfrog: int) -> float:
    """Step ε from the sums of the second and third powers of the precisions."""
    if leapfrog == 1:
        return 0.5 * math.cbrt(16 * SPREAD / stiffness(3))
    return 0.5 * math.sqrt(128 / 5 * SPREAD / stiffness(2))


def step_of_field(denoiser: Denoiser, leapfrog: int) -> float:
    """Step for a real field, from the spectrum of the training data."""
    stiffness = denoiser.mask / (denoiser.scale**2 * denoiser.spectrum(None))
    return gaussian_step(lambda power: float((stiffness**power).sum()), leapfrog)


def step_of_links(theory: Any, lattice: Lattice, leapfrog: int) -> float:
    """Step for links, from the action near the vacuum."""
    group = theory.manifold
    index = 1 / (2 * group.n) if isinstance(group, GroupLinks) else 1.0
    waves = theory.beta * index * phat2(lattice.extents)
    count = (lattice.dimension - 1) * generators(group)
    return gaussian_step(lambda power: float((waves**power).sum()) * count, leapfrog)
