"""Trial of a training on a handful of its configurations before anything is written: is what it needs determined?"""

import math

import torch

from sqcli.diffusion.training._seeds import NOISE, generator
from sqcli.diffusion.training.distributed import Ranks
from sqcli.diffusion.training.job import TrainingJob
from sqcli.diffusion.training.trainer import Trainer
from sqcli.errors import SqcliError

ROWS = 16


def try_out(job: TrainingJob, device: str) -> None:
    """Fit the tables, evaluate the loss and measure the network, as the training will do.

    Raises:
        SqcliError: a number is not finite, because the configurations do not determine what is fitted to them.
    """
    try:
        trainer = Trainer(job, Ranks(device=device), compiled=False, resume=False)
        fault = next((found for number in range(len(trainer.datasets)) if (found := _fault(trainer, number))), None)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, IndexError, ArithmeticError) as error:  # of torch's or scipy's linear algebra
        fault = str(error).partition("\n")[0]
    if fault:
        raise SqcliError(
            f"{job.path}: the configurations do not determine a model ({fault}); "
            "they are too few, or do not fluctuate as fields of this theory do"
        )


def _fault(trainer: Trainer, number: int) -> str | None:
    """Name what is not finite for one of the ensembles."""
    fields, process = trainer.datasets[number].some(ROWS, 1), trainer.processes[number]
    if not all(bool(torch.isfinite(table).all()) for table in process.statistics.tensors().values()):
        return "the fitted spectrum is not finite"
    if trainer.checkpoint.parameters:
        random = generator(trainer.device, trainer.job.seed, NOISE, 0, 0)
        loss = trainer.loss(process, process.from_field(fields.to(trainer.device)), random)
        if not math.isfinite(float(loss.detach())):
            return "the loss is not finite before the first step"
    left = trainer.family.calibrate(trainer.averaged[number], fields, 0).tensors().values()
    sound = all(bool(torch.isfinite(table).all()) for table in left)
    return None if sound else "what the network leaves of the noise is not finite"
