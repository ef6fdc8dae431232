"""Checkpoint: everything that changes during a training, in one file that is written whole or not at all."""

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sqcli.diffusion.models.families import Family
from sqcli.diffusion.models.files import STATE, own_file
from sqcli.diffusion.models.tensors import prefixed, read_tensors, without_prefix, write_tensors
from sqcli.diffusion.nets import Net
from sqcli.diffusion.process.protocol import Statistics
from sqcli.diffusion.training._adamw import AdamW
from sqcli.errors import DamageError


@dataclass
class Record:
    """Numbers of the training so far.

    Attributes:
        step: optimizer steps done.
        seconds: spent in all.
        loss: sum over the steps of the present epoch.
        rows: one row of metrics per finished epoch.
        best: smallest validation loss, and its epoch.
        ended: no further steps are wanted.
    """

    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)
    best: float = math.inf
    best_epoch: int = 0
    ended: bool = False


class Checkpoint:
    """Network and further parameters in training, their averages (EMA), the best averages, optimizer and record.

    Args:
        net: the network, on the device.
        extra: further parameters of the objective, or None.
        statistics: the statistics of every training ensemble, as fitted.
        weight_decay: decay of the weights, per unit of the learning rate.
    """

    def __init__(
        self, net: Net, extra: nn.Module | None, statistics: list[Statistics], weight_decay: float = 0.0
    ) -> None:
        self.net, self.extra, self.statistics, self.record = net, extra, statistics, Record()
        self.averaged_net, self.averaged_extra = copy.deepcopy(net).eval(), copy.deepcopy(extra)
        self.parameters = [p for module in self.modules(False) for p in module.parameters() if p.requires_grad]
        self.optimizer = AdamW(self.parameters, weight_decay)
        self.best: dict[str, Tensor] = {}

    def modules(self, averaged: bool) -> Iterator[nn.Module]:
        """Iterate over the network and the further parameters, or over their averages."""
        yield self.averaged_net if averaged else self.net
        extra = self.averaged_extra if averaged else self.extra
        if extra is not None:
            yield extra

    def average(self, decay: float) -> None:
        """Take one step of the moving average, whose memory grows with the steps up to `decay`."""
        rate = 1 - min(decay, (1 + self.record.step) / (10 + self.record.step))
        with torch.no_grad():
            for module, mean in zip(self.modules(False), self.modules(True), strict=True):
                torch._foreach_lerp_(list(mean.parameters()), list(module.parameters()), rate)

    def keep_best(self) -> None:
        """Remember the averages."""
        self.best = {name: value.clone() for name, value in self._weights(True).items()}

    def use_best(self) -> None:
        """Put the remembered averages back, where there are any."""
        if self.best:
            self._fill(True, self.best)

    def _weights(self, averaged: bool) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, module in zip(("net", "extra"), self.modules(averaged), strict=False):
            found |= prefixed(name, module.state_dict())
        return found

    def _fill(self, averaged: bool, tensors: Mapping[str, Tensor]) -> None:
        for name, module in zip(("net", "extra"), self.modules(averaged), strict=False):
            module.load_state_dict(without_prefix(name, tensors))

    def save(self, model: Path, identity: str) -> None:
        """Replace the checkpoint's file."""
        tensors = prefixed("weights", self._weights(False)) | prefixed("average", self._weights(True))
        tensors |= prefixed("best", self.best)
        for number, statistics in enumerate(self.statistics):
            tensors |= prefixed(f"facts.{number}", statistics.tensors())
        tensors |= prefixed("moments", self.optimizer.tensors())
        note = {"identity": identity, "scales": [statistics.scale for statistics in self.statistics]}
        write_tensors(model, STATE, tensors, note | {"record": _plain(self.record)})

    def load(self, model: Path, identity: str) -> None:
        """Read the checkpoint's file, to go on from it.

        Raises:
            DamageError: the file does not fit this training.
        """
        file = own_file(model, STATE)
        tensors, note = read_tensors(file)
        try:
            if note["identity"] != identity:
                raise ValueError("it belongs to another training")
            self.record = Record(**note["record"] | {"best": float(note["record"]["best"] or "inf")})
            self._fill(False, without_prefix("weights", tensors))
            self._fill(True, without_prefix("average", tensors))
            self.best = {name: value.to(self._device) for name, value in without_prefix("best", tensors).items()}
            self.optimizer.load(without_prefix("moments", tensors))
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise DamageError(f"{file}: does not fit this training ({reason}); --force starts anew") from None

    @property
    def _device(self) -> torch.device:
        return self.parameters[0].device


def stored_statistics(model: Path, family: Family) -> list[Statistics]:
    """Read the statistics of every training ensemble from a checkpoint."""
    tensors, note = read_tensors(own_file(model, STATE))
    scales = note.get("scales", [])
    tables = [without_prefix(f"facts.{number}", tensors) for number in range(len(scales))]
    return [family.from_tensors(scale, table) for scale, table in zip(scales, tables, strict=True)]


def _plain(record: Record) -> dict[str, Any]:
    return vars(record) | {"best": record.best if math.isfinite(record.best) else None}
