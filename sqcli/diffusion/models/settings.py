"""Settings of a training: what belongs to the model's identity, and how the learning rate goes."""

import math
from dataclasses import dataclass

from sqcli.errors import UsageError
from sqcli.options import REQUIRED, option

WARM_UP = 0.05  # share of all steps in which the learning rate grows
LAST = 0.01  # share of the learning rate that is left at the end


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a training, part of the identity of its model; `ranks` are the processes that train together."""

    epochs: int = option("Passes through the data.", "E", default=REQUIRED, least=1, needed=True)
    batch_size: int = option("Fields per step, over all processes (64).", "N", default=64, name="batch-size", least=1)
    learning_rate: float = option(
        "Largest one, of AdamW (0.001).", "X", default=1e-3, name="learning-rate", least=0, above=True
    )
    weight_decay: float = option(
        "Weight decay of AdamW, per unit of the learning rate (0).", "X", default=0.0, name="weight-decay", least=0
    )
    ema: float = option("Decay of the weights' average (0.999).", "X", default=0.999, least=0, below=1)
    validation: float = option("Fraction not trained on (0.1).", "X", default=0.1, least=0, below=1)
    patience: int = option("End after E epochs without gain; 0: no.", "E", default=0, least=0)
    clip: float = option("Largest gradient norm (1).", "X", default=1.0, least=0, above=True)
    augment: bool = option("Transform by the action's symmetries (yes).", default=True)
    ranks: int = 1
    precision: str = option(
        "Of the network's products (float32).", "float32|bfloat16", default="float32", choices=("float32", "bfloat16")
    )

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or self.patience < 0 or self.ranks < 1:
            raise UsageError("--epochs and --batch-size must be at least 1, --patience at least 0")
        if not (self.learning_rate > 0 and 0 <= self.ema < 1 and 0 <= self.validation < 1 and self.clip > 0):
            raise UsageError("--learning-rate must be positive, --ema and --validation at least 0 and below 1")
        if self.weight_decay < 0:
            raise UsageError(f"--weight-decay must not be negative, not {self.weight_decay}")
        if self.batch_size % self.ranks:
            raise UsageError(f"--batch-size {self.batch_size} is not a multiple of the {self.ranks} processes")
        if self.patience and not self.validation:
            raise UsageError("--patience needs a --validation fraction above 0")
        if self.precision not in ("float32", "bfloat16"):
            raise UsageError(f"--precision must be float32 or bfloat16, not {self.precision!r}")

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step: linear warm-up, then half a cosine."""
        warm = max(1, round(WARM_UP * steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        progress = (step - warm) / max(1, steps - warm)
        return self.learning_rate * (LAST + (1 - LAST) * (1 + math.cos(math.pi * progress)) / 2)
