"""Check of a flow's grid: is it fine enough for log q to be a density? Seen on a few draws, doubled and way back."""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers._base import Drawn
from sqcli.exactness import Exactness

MOST = 0.05  # largest error of a grid whose log q counts as a density; it has to be far below 1


class InvertibleFlow(Protocol):
    """A sampler that is a flow on a grid, and can be followed back."""

    def draw(self, process: Process, noise: Noise) -> Drawn:
        """Draw one configuration for each row of `noise`."""

    def encode(self, denoiser: Denoiser, fields: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Follow configurations back to where they start from; also their log q."""

    def decode(self, denoiser: Denoiser, top: Tensor, given: Tensor | None) -> Tensor:
        """Follow starting points to their configurations."""

    def finer(self) -> "InvertibleFlow":
        """Build the sampler with a grid of half the width."""


def exactness_of_trace(trace: str) -> Exactness:
    """State what draws with a log q by this kind of trace are, if the steps are fine enough."""
    if trace == "exact":
        return Exactness("weighted", "log q of the probability flow with exact trace, up to its finite steps")
    if trace == "none":
        return Exactness("uncorrected", "probability flow without log q")
    return Exactness("uncorrected", f"log q estimated with {trace} probes: its noise biases weights (approximate)")


@torch.no_grad()
def grid_errors(sampler: InvertibleFlow, denoiser: Denoiser, noise: Noise) -> Mapping[str, float]:
    """Largest errors over the draws of `noise`; they must be ≪ 1 for weights to mean anything.

    Returns:
        doubled: |log q_N − log q_2N| of the same configurations. way_back: |log q| as drawn against as computed from
        the configuration. round_trip: |φ' − φ| in units of the model's scale, to s_max and back.
    """
    drawn = sampler.draw(denoiser, noise)
    top, back = sampler.encode(denoiser, drawn.fields, noise)
    given = denoiser.split(denoiser.from_field(drawn.fields))[1]
    found = {"round_trip": (sampler.decode(denoiser, top, given) - drawn.fields) / denoiser.scale}
    if drawn.log_density is not None:
        found["doubled"] = sampler.finer().encode(denoiser, drawn.fields, noise)[1] - back
        found["way_back"] = drawn.log_density - back
    return {name: float(value.abs().max()) for name, value in found.items()}


def exactness_on_grid(sampler: InvertibleFlow, denoiser: Denoiser, noise: Noise, own: Exactness) -> Exactness:
    """Put the errors of `grid_errors` into the reason of `own`; uncorrected where one is not small."""
    found = grid_errors(sampler, denoiser, noise)
    said = (
        f"{own.reason}; on {len(noise.draws)} pilot draws |log q_N - log q_2N| <= {found['doubled']:.2g}, "
        f"way back <= {found['way_back']:.2g}, field's round trip <= {found['round_trip']:.2g}"
    )
    if all(error <= MOST for error in found.values()):
        return Exactness(own.status, said)
    return Exactness("uncorrected", f"{said}: too coarse for weights, take more steps or a smaller tolerance")
