"""Step sizes of adjusted Langevin steps, from the curvature of the action.

For a Gaussian with precisions k the logarithms of acceptance ratios have the variance (2ε)³ Σ k³/16. Near the vacuum
the precisions of links are κ p̂², D − 1 times for each generator, with κ = β/(2N), for angles β. Away from it plaquettes
below 1 make them smaller, their fluctuations wider: measured acceptance is 0.66 to 0.85, also at strong coupling.
"""

import math
from typing import Any

from sqcli.diffusion.links.lie import generators
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.momentum import phat2

SPREAD = 0.64  # variance of log acceptance ratios aimed at: 69 % accepted


def gaussian_step(cubes: float) -> float:
    """Step ε for the sum of the cubes of the precisions."""
    return 0.5 * math.cbrt(16 * SPREAD / cubes)


def step_of_field(denoiser: Denoiser) -> float:
    """Step for a real field, from the spectrum of the training data."""
    stiffness = denoiser.mask / (denoiser.scale**2 * denoiser.spectrum(None))
    return gaussian_step(float((stiffness**3).sum()))


def step_of_links(theory: Any, lattice: Lattice) -> float:
    """Step for links, from the action near the vacuum."""
    group = theory.manifold
    index = 1 / (2 * group.n) if isinstance(group, GroupLinks) else 1.0
    cubes = float((phat2(lattice.extents) ** 3).sum()) * (lattice.dimension - 1) * generators(group)
    return gaussian_step((theory.beta * index) ** 3 * cubes)
