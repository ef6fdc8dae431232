"""Adam (1412.6980) with bias correction, for a list of parameters at once.

Written out because building torch's own optimizer imports its compiler, three seconds at every start.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MEMORY = (0.9, 0.999)
EPSILON = 1e-8


class Adam:
    """First and second moments of the gradients of `parameters`."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.first = [torch.zeros_like(p) for p in parameters]
        self.second = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, number: int, rate: float) -> None:
        """Step `number`, from 1: p ← p − rate m̂/(√v̂ + ε) with the gradients in `.grad`, none of them None."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        torch._foreach_lerp_(self.first, gradients, 1 - MEMORY[0])
        torch._foreach_mul_(self.second, MEMORY[1])
        torch._foreach_addcmul_(self.second, gradients, gradients, 1 - MEMORY[1])
        roots = torch._foreach_sqrt(self.second)
        torch._foreach_div_(roots, (1 - MEMORY[1] ** number) ** 0.5)
        torch._foreach_add_(roots, EPSILON)
        torch._foreach_addcdiv_(self.parameters, self.first, roots, -rate / (1 - MEMORY[0] ** number))

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """The moments, for the file."""
        moments = {"first": self.first, "second": self.second}
        return {f"{name}.{i}": value for name, values in moments.items() for i, value in enumerate(values)}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Inverse of `tensors`; KeyError or RuntimeError where they do not fit."""
        for name, value in self.tensors().items():
            value.copy_(tensors[name])
