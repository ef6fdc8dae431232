"""What is learnt of a training ensemble beside the weights: its inverse coupling, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class PlaquetteStatistics:
    """Statistics of a training ensemble.

    Attributes:
        scale: unit of the field; angles are in radians.
        beta: inverse coupling, (), float64.
    """

    scale: ClassVar[float] = 1.0
    beta: Tensor

    @classmethod
    def trained_at(cls, beta: float) -> "PlaquetteStatistics":
        """Build the statistics of an ensemble at inverse coupling `beta`."""
        return cls(torch.tensor(beta, dtype=torch.float64))

    def tensors(self) -> dict[str, Tensor]:
        """Tensors by name, for the file."""
        return {"beta": self.beta}

    @classmethod
    def from_tensors(cls, scale: float, tensors: Mapping[str, Tensor]) -> "PlaquetteStatistics":
        """Build statistics from `tensors`; ValueError where they are none."""
        beta = tensors["beta"]
        if scale != cls.scale or beta.shape != () or beta.dtype != torch.float64 or not beta > 0:
            raise ValueError("the inverse coupling is not a positive number")
        return cls(beta)

    def to(self, device: torch.device) -> "PlaquetteStatistics":
        """Copy the statistics to another device."""
        return PlaquetteStatistics(self.beta.to(device))
