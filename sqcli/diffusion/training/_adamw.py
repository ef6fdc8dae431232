"""AdamW (1412.6980, 1711.05101) for a list of parameters at once: torch's own fused kernel, called directly.

Our own, because building torch's optimizer imports its compiler, two to three seconds at every start; the kernel is the
one that it would call with `fused=True`, and the weights are the same bit for bit.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MEMORY = (0.9, 0.999)
EPSILON = 1e-8


class AdamW:
    """Optimizer: moments of the gradients of `parameters`, and the decay of the weights per unit of rate."""

    def __init__(self, parameters: Sequence[nn.Parameter], weight_decay: float) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.weight_decay = weight_decay
        self.first = [torch.zeros_like(p) for p in parameters]
        self.second = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, number: int, rate: float) -> None:
        """Take step `number`, from 1: p ← p (1 − rate·decay) − rate m̂/(√v̂ + ε); every parameter has a gradient."""
        for kind in {p.dtype for p in self.parameters}:
            rows = [
                (p, p.grad, first, second, torch.tensor(float(number), device=p.device))
                for p, first, second in zip(self.parameters, self.first, self.second, strict=True)
                if p.dtype == kind and p.grad is not None
            ]
            parameters, gradients, firsts, seconds, steps = (list(column) for column in zip(*rows, strict=True))
            torch._fused_adamw_(
                parameters, gradients, firsts, seconds, [], steps, lr=rate, beta1=MEMORY[0], beta2=MEMORY[1],
                weight_decay=self.weight_decay, eps=EPSILON, amsgrad=False, maximize=False,
            )  # fmt: skip

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Moments by name, for the file."""
        moments = {"first": self.first, "second": self.second}
        return {f"{name}.{i}": value for name, values in moments.items() for i, value in enumerate(values)}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Fill the moments from `tensors`; KeyError or RuntimeError where they do not fit."""
        for name, value in self.tensors().items():
            value.copy_(tensors[name])
