"""Frame of plain score networks: input and output scaled with the noise level, and oddness under φ → −φ.

    D(y, s) = c_skip y + c_out F(c_in y, n)

edm (Karras et al., 2206.00364, σ_d² the mean of the data's spectrum): c_skip = σ_d²/(s² + σ_d²),
c_out = s σ_d/√(s² + σ_d²), c_in = 1/√(s² + σ_d²), n = ln(s)/4.
published (2309.17082): the score of x_t = α y is F(x_t, t)/σ(t), so c_skip = 1, c_out = s, c_in = α, n = t.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._base import Context, Net, Problem
from sqcli.diffusion.schedules import Schedule
from sqcli.errors import UsageError
from sqcli.lattice.complex_field import ComplexField

Scaling = Literal["edm", "published"]
LARGEST = 65536  # size of any kind; above, it is a slip of the finger


class Preconditioned(Net):
    """Network around `core`, which maps x (n, *extents) and [n, couplings] (n, 1 + c) to (n, *extents).

    Args:
        core: the function F.
        schedule: the schedule that gives t and α.
        scaling: the choice of c_skip, c_out, c_in and n, edm or published.
        odd: whether F(x) is replaced by (F(x) − F(−x))/2, so that D is odd.
    """

    def __init__(self, core: nn.Module, schedule: Schedule, scaling: Scaling, odd: bool) -> None:
        super().__init__()
        self.core, self.schedule, self.scaling, self.odd = core, schedule, scaling, odd

    def forward(self, y: Tensor, level: Tensor, context: Context) -> Tensor:
        """Denoise y (n, *extents) at the levels (n,): D, (n, *extents)."""
        c_skip, c_out, c_in, noise = getattr(self, f"_{self.scaling}")(level, context)
        ones = (-1,) + (1,) * (y.dim() - 1)
        told = torch.cat([noise[:, None], context.couplings], 1)
        x = c_in.reshape(ones) * y
        found = self.core(x, told)
        if self.odd:
            found = (found - self.core(-x, told)) / 2
        denoised: Tensor = c_skip.reshape(ones) * y + c_out.reshape(ones) * found.to(y.dtype)
        return denoised

    def _edm(self, level: Tensor, context: Context) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        data2 = context.spectrum.flatten(1).mean(1)
        total2 = level**2 + data2
        return data2 / total2, level * torch.sqrt(data2 / total2), torch.rsqrt(total2), torch.log(level) / 4

    def _published(self, level: Tensor, context: Context) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        t = self.schedule.time(level)
        return torch.ones_like(level), level, self.schedule.alpha(t), t


def require_real(net: str, problem: Problem) -> None:
    """UsageError unless the theory has one real number per site."""
    manifold = problem.theory.manifold
    if isinstance(manifold, ComplexField):
        raise UsageError(f"the net {net} is for one real number per site, not a complex one; mlp is for pairs (Re, Im)")
    if not manifold.flat:
        raise UsageError(f"the net {net} is for one real number per site, not {manifold.name} links")


def require_scalar(net: str, problem: Problem, dimensions: range) -> None:
    """UsageError unless the theory has one real number per site, on a lattice with so many dimensions."""
    require_real(net, problem)
    if problem.lattice.dimension not in dimensions:
        allowed = ", ".join(map(str, dimensions))
        raise UsageError(f"the net {net} exists in {allowed} dimensions, not in {problem.lattice.dimension}")


def require_variable(net: str, problem: Problem) -> None:
    """UsageError unless the theory has one complex number in all, which is no angle."""
    manifold: Any = problem.theory.manifold
    if manifold.site(problem.lattice) != (1,):
        raise UsageError(f"the net {net} is for one complex variable (lattice 1), not for lattice {problem.lattice}")
    if manifold.period:
        raise UsageError(f"the net {net} is for complex variables on the plane, not for an angle")


def require_sizes(**sizes: int) -> None:
    """ValueError unless all sizes are positive and of a sane magnitude."""
    for name, value in sizes.items():
        if not 1 <= value <= LARGEST:
            raise ValueError(f"{name} must lie between 1 and {LARGEST}, not {value}")
