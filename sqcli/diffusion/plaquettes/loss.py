"""Losses of plaquettes: target score matching for mean and variance, and plain denoising score matching.

In equilibrium E[y₀ | y] = E[y + s² F | y] on the plane, F being the force of one plaquette less its mean over all. With
w = s²/(s² + σ²) the target T = w y₀ + (1 − w)(y + s² F) has no variance where plaquettes are Gaussian. The square of
w (y₀ − D) likewise goes with the derivative of the force into a target T₂ of the variance V, for which the loss is
Gaussian, log V + T₂/V. On the plane variances are short by a factor 1 − 1/V, made up for in T₂.
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from sqcli.diffusion.nets import PlaquetteMoments
from sqcli.diffusion.objectives import GeneratorNumbers, stratified
from sqcli.diffusion.plaquettes.plane import project

if TYPE_CHECKING:
    from sqcli.diffusion.plaquettes.process import PlaquetteProcess

RATIOS = (0.12, 5.0)  # noise levels in units of σ
SHARE = 0.25  # weight of the variance's loss


def target_loss(process: "PlaquetteProcess", links: Tensor, generator: Generator) -> Tensor:
    """Compute the loss against T and T₂, of mean and variance, per plaquette: (n,)."""
    level, y0, y = noisy(process, links, generator)
    moments = process.moments(y, level)
    return _square(process, moments, y, mean_target(process, level, y0, y), level) + _gaussian(
        process, moments, variance_target(process, level, y0, y, moments), level
    )


def denoising_loss(process: "PlaquetteProcess", links: Tensor, generator: Generator) -> Tensor:
    """Compute the loss against y₀ itself, of mean and variance, per plaquette: (n,)."""
    level, y0, y = noisy(process, links, generator)
    moments = process.moments(y, level)
    left = (y0 - process.on_plane(moments, y).detach()) ** 2 / (1 - 1 / process.lattice.volume)
    return _square(process, moments, y, y0, level) + _gaussian(process, moments, left, level)


def noisy(
    process: "PlaquetteProcess", links: Tensor, generator: Generator, level: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Lift the plaquettes of links and add noise: levels (n,) unless given, y₀ and y, (n, V)."""
    numbers = GeneratorNumbers(len(links), links.shape[1:], process.device, generator)
    if level is None:
        low, high = (math.log(ratio * process.lift.width2**0.5) for ratio in RATIOS)
        level = torch.exp(low + stratified(process, len(links), generator) * (high - low))
    y0 = process.lifted(links, numbers)
    return level, y0, y0 + level[:, None] * process.kick(numbers.normal(1))


def mean_target(process: "PlaquetteProcess", level: Tensor, y0: Tensor, y: Tensor) -> Tensor:
    """Target T of the mean."""
    s2 = level[:, None] ** 2
    keep = s2 / (s2 + process.lift.width2)
    return keep * y0 + (1 - keep) * (y + s2 * project(process.lift.force(y0)[0]))


@torch.no_grad()
def variance_target(
    process: "PlaquetteProcess", level: Tensor, y0: Tensor, y: Tensor, moments: PlaquetteMoments
) -> Tensor:
    """Target T₂ of the variance of a plaquette that is free of the plane."""
    s2, share = level[:, None] ** 2, 1 / process.lattice.volume
    keep = s2 / (s2 + process.lift.width2)
    force, slope = process.lift.force(y0)
    mean = process.on_plane(moments, y)
    bend = slope * (1 - 2 * share) + share * slope.mean(1, keepdim=True)
    known = s2 * (1 - share) + s2**2 * (bend + (project(force) - (mean - y) / s2) ** 2)
    return (keep**2 * (y0 - mean) ** 2 + (1 - keep**2) * known) / (1 - share)


def _square(process: "PlaquetteProcess", moments: PlaquetteMoments, y: Tensor, target: Tensor, level: Tensor) -> Tensor:
    """Squared error of the mean on the plane, over s²: (n,)."""
    return ((process.on_plane(moments, y) - target) ** 2).mean(1) / level**2


def _gaussian(process: "PlaquetteProcess", moments: PlaquetteMoments, target: Tensor, level: Tensor) -> Tensor:
    """Error of the variance, log (V/C) + T₂/V with C = σ²s²/(σ² + s²), in units where it is as the mean's: (n,)."""
    s2 = level**2
    near = process.lift.width2 * s2 / (process.lift.width2 + s2)
    error = (moments.variance / near[:, None]).log() + target / moments.variance
    return SHARE * near / s2 * error.mean(1)
