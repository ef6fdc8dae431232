"""What a sampler does to Gaussian modes, without Monte Carlo noise: all its kernels are linear there.

A zero-dimensional free field is one mode. Fed with unit vectors in place of random numbers, the batch returns the
coefficient with which each random number enters the draw; the draw's variance is the sum of their squares.
"""

from dataclasses import dataclass

import torch
from models import known_denoiser

from sqcli.lattice.geometry import Lattice
from sqcli.theories.free import Free

ONE = Lattice((1,))


@dataclass(frozen=True)
class UnitNoise:
    """Row i has number i equal to one and all others zero."""

    rows: int

    def normal(self, step):
        return (torch.arange(self.rows) == step).double()[:, None]

    def uniform(self, step):
        return torch.full((self.rows,), 0.5, dtype=torch.float64)


@dataclass(frozen=True)
class FixedNoise:
    """The same start for every draw of a deterministic sampler: (n, *extents)."""

    start: torch.Tensor

    def normal(self, step):
        assert step == 0, "a deterministic sampler needs one noise field"
        return self.start

    def uniform(self, step):
        return torch.full((len(self.start),), 0.5, dtype=torch.float64)


def variance(sampler, schedule, mass2=1.0, uses=1):
    """Of a mode with 1/G = mass2, as the sampler makes it; `uses` noise fields a step, 0 for deterministic ones."""
    denoiser = known_denoiser(Free(mass2=mass2), ONE, schedule)
    fields = sampler.draw(denoiser, UnitNoise(1 + uses * sampler.n_steps)).fields
    return float((fields**2).sum())


def observed_orders(error, steps):
    """Slopes of log |error| against log n between neighbouring n."""
    sizes = torch.tensor([abs(error(n)) for n in steps], dtype=torch.float64)
    return (-sizes.log().diff() / torch.tensor(steps, dtype=torch.float64).log().diff()).tolist()
