"""Validation: loss on configurations not trained on, with equal noise in all epochs, and errors at single levels."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from sqcli.diffusion.models.files import METRICS, replace_file
from sqcli.diffusion.objectives import Objective, mean_square, noisy
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.training._batches import BlockSource, Dataset
from sqcli.diffusion.training._seeds import VALIDATION, generator

ROWS = 1024
BATCH = 128
LEVELS = 6


class Validation:
    """Validation configurations of every ensemble, kept in memory.

    Args:
        objective: the objective of the training.
        seed: the seed of the training.
        sources: configurations of each training ensemble, None where nothing was left out.
    """

    def __init__(self, objective: Objective, seed: int, sources: Sequence[BlockSource | None]) -> None:
        self.objective, self.seed = objective, seed
        self._fields = [None if source is None else Dataset(source).some(ROWS) for source in sources]

    def fields(self, number: int) -> Tensor | None:
        """Validation configurations φ of an ensemble, (n, *extents), float64; None where there are none."""
        return self._fields[number]

    def __call__(self, denoisers: Sequence[Denoiser], extra: nn.Module | None) -> dict[str, float]:
        """Measure `validation_loss` and `error@s`, ⟨‖D − x₀‖²⟩/s² per mode at some s; empty without configurations."""
        rows: dict[str, list[Tensor]] = {}
        for number, (denoiser, fields) in enumerate(zip(denoisers, self._fields, strict=True)):
            if fields is not None:
                random = generator(denoiser.device, self.seed, VALIDATION, number)
                for part in torch.split(fields, BATCH):
                    for name, values in self._measured(denoiser, part, random, extra):
                        rows.setdefault(name, []).append(values)
        return {name: float(torch.cat(values).mean()) for name, values in rows.items()}

    @torch.no_grad()
    def _measured(
        self, denoiser: Denoiser, fields: Tensor, random: torch.Generator, extra: nn.Module | None
    ) -> list[tuple[str, Tensor]]:
        x0 = denoiser.from_field(fields.to(denoiser.device))
        found = [("validation_loss", self.objective.loss(denoiser, x0, random, extra))]
        x, given, _ = denoiser.split(x0)
        for level in denoiser.schedule.levels(LEVELS - 1).flip(0).to(denoiser.device):
            y = noisy(denoiser, x, level.expand(len(x)), random)
            error = mean_square(denoiser, denoiser.denoise(y, level, given) - x) / level**2
            found.append((f"error@{float(level):.3g}", error))
        return found


def write_metrics(model: Path, rows: Sequence[dict[str, float]]) -> None:
    """Replace `metrics.csv`: one row per epoch."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    replace_file(model, METRICS, text.getvalue().encode())
