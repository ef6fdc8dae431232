"""Layers for plaquettes of angles: odd and even fields side by side, isotropic, so that all symmetries are kept.

θ → −θ, a reflection of the lattice or of the group, changes the sign of odd fields and leaves even ones. Odd functions
of the angle vanish at both 0 and π; even fields tell these apart.
"""

import torch
from torch import Tensor, nn

from sqcli.diffusion.nets._layers import along
from sqcli.diffusion.nets._odd import Isotropic, mixed


class ParityBlock(nn.Module):
    """Residual block of odd and even fields, which meet in products and squares."""

    def __init__(self, width: int, told: int, reach: int, dimension: int) -> None:
        super().__init__()
        self.of_odd, self.of_even = (Isotropic(width, reach, dimension) for _ in range(2))
        self.mix_odd, self.back_odd, self.square, self.back_even = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.mix_even = nn.Linear(width, 2 * width)
        self.told = nn.Linear(told, 4 * width)

    def forward(self, odd: Tensor, even: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the block to fields (n, channels, *extents), told (n, numbers)."""
        gain, shift = (along(part, odd) for part in self.told(told).chunk(2, 1))
        seen = mixed(self.of_even.convolved(even), self.mix_even.weight) + along(self.mix_even.bias[None], even)
        gate, gated = (seen * (1 + gain) + shift).chunk(2, 1)
        u = mixed(self.of_odd.convolved(odd), self.mix_odd.weight)
        u = u * torch.rsqrt(1 + u**2)
        odd = odd + mixed(u * (1 + torch.tanh(gate)), self.back_odd.weight)
        even = even + mixed(nn.functional.silu(gated + mixed(u**2, self.square.weight)), self.back_even.weight)
        return odd, even
