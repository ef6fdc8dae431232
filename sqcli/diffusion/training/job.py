"""A training that is wanted, and how far one has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqcli.diffusion.models.design import Design
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.models.settings import TrainingSettings
from sqcli.diffusion.training._batches import BlockSource
from sqcli.theories import Theory


@dataclass(frozen=True)
class TrainingJob:
    """A training that is wanted.

    Attributes:
        path: the model's directory, which exists.
        identity: the model's identity.
        design: the model that is trained.
        settings: how it is trained.
        seed: the seed of all random numbers.
        theories: the theory of each ensemble.
        training: configurations of each ensemble that are trained on.
        validation: configurations of each ensemble that are left out, None where there are none.
        initial: model whose weights are the first, or None.
    """

    path: Path
    identity: str
    design: Design
    settings: TrainingSettings
    seed: int
    theories: Sequence[Theory]
    training: Sequence[BlockSource]
    validation: Sequence[BlockSource | None]
    initial: Model | None = None


@dataclass(frozen=True)
class TrainingProgress:
    """Progress: epochs and steps done and wanted, mean loss of this epoch, last validation loss, steps/s."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float | None
    validation: float | None
    rate: float
