"""How a network is trained: what belongs to the model's name, and how the learning rate goes."""

import math
from dataclasses import dataclass, field

from sqcli.errors import UsageError

WARM_UP = 0.05  # of all steps
LAST = 0.01  # of the learning rate


@dataclass(frozen=True)
class TrainingSettings:
    """Part of the identity: another value makes another model.

    Attributes:
        epochs: passes through the data.
        batch_size: configurations per step, over all ranks.
        learning_rate: largest, of AdamW.
        weight_decay: of AdamW, per unit of the learning rate.
        ema: decay of the average of the weights.
        validation: fraction of the data that is not trained on.
        patience: epochs without a smaller validation loss after which training ends; 0: never.
        clip: largest norm of the gradient.
        augment: whether batches are transformed by the symmetries of the action.
        ranks: processes that train together.
        precision: of the network's matrix products.
    """

    epochs: int
    batch_size: int = field(default=64, metadata={"name": "batch-size"})
    learning_rate: float = field(default=1e-3, metadata={"name": "learning-rate"})
    weight_decay: float = field(default=0.0, metadata={"name": "weight-decay"})
    ema: float = 0.999
    validation: float = 0.1
    patience: int = 0
    clip: float = 1.0
    augment: bool = True
    ranks: int = 1
    precision: str = "float32"

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
