"""Is the flow's grid fine enough for its log q to be a density? On a few draws: the grid doubled, and the way back."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from sqcli.diffusion._denoiser import Denoiser
from sqcli.diffusion._noise import Noise
from sqcli.diffusion.samplers.ode import ProbabilityFlow


@torch.no_grad()
def gates(sampler: ProbabilityFlow, denoiser: Denoiser, noise: Noise) -> Mapping[str, float]:
    """Largest errors over the draws of `noise`; they must be ≪ 1 for weights to mean anything.

    Returns:
        doubled: |log q_N − log q_2N| of the same configurations. way_back: |log q| as drawn against as computed from
        the configuration.
    """
    drawn = sampler.draw(denoiser, noise)
    back = sampler.log_density(denoiser, drawn.fields, noise)
    finer = replace(sampler, n_steps=2 * sampler.n_steps, tolerance=sampler.tolerance / 32)
    found = {"doubled": finer.log_density(denoiser, drawn.fields, noise) - back}
    if drawn.log_density is not None:
        found["way_back"] = drawn.log_density - back
    return {name: float(value.abs().max()) for name, value in found.items()}
