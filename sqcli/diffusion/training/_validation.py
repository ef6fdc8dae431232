"""Validation: loss on configurations not trained on, with equal noise in all epochs, and errors at single levels."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from sqcli.diffusion.models.families import Family
from sqcli.diffusion.models.files import METRICS, replace_file
from sqcli.diffusion.objectives import Objective
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.training._batches import BlockSource, Dataset
from sqcli.diffusion.training._seeds import VALIDATION, generator

ROWS = 1024
BATCH = 128


class Validation:
    """Validation configurations of every ensemble, kept in memory.

    Args:
        objective: the objective of the training.
        seed: the seed of the training.
        sources: configurations of each training ensemble, None where nothing was left out.
        family: the family of the network, which knows its errors.
    """

    def __init__(self, objective: Objective, seed: int, sources: Sequence[BlockSource | None], family: Family) -> None:
        self.objective, self.seed, self.family = objective, seed, family
        self._fields = [None if source is None else Dataset(source).some(ROWS) for source in sources]

    def fields(self, number: int) -> Tensor | None:
        """Validation configurations φ of an ensemble, (n, *site); None where there are none."""
        return self._fields[number]

    def __call__(self, processes: Sequence[Process], extra: nn.Module | None) -> dict[str, float]:
        """Measure `validation_loss` and the errors that the family knows; empty without configurations."""
        rows: dict[str, list[Tensor]] = {}
        for number, (process, fields) in enumerate(zip(processes, self._fields, strict=True)):
            if fields is not None:
                random = generator(process.device, self.seed, VALIDATION, number)
                for part in torch.split(fields, BATCH):
                    for name, values in self._measured(process, part, random, extra):
                        rows.setdefault(name, []).append(values)
        return {name: float(torch.cat(values).mean()) for name, values in rows.items()}

    @torch.no_grad()
    def _measured(
        self, process: Process, fields: Tensor, random: torch.Generator, extra: nn.Module | None
    ) -> list[tuple[str, Tensor]]:
        x0 = process.from_field(fields.to(process.device))
        found = [("validation_loss", self.objective.loss(process, x0, random, extra).detach())]
        return found + self.family.errors(process, x0, random)


def write_metrics(model: Path, rows: Sequence[dict[str, float]]) -> None:
    """Replace `metrics.csv`: one row per epoch."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    replace_file(model, METRICS, text.getvalue().encode())
