"""Base of what makes a real field's denoiser a process with further abilities: all that it hands on."""

import threading
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import ModeStatistics
from sqcli.lattice.geometry import Lattice
from sqcli.theories import Theory


@dataclass(frozen=True)
class AroundDenoiser:
    """A process by its denoiser; see `Process`."""

    denoiser: Denoiser

    @property
    def theory(self) -> Theory:
        """Theory whose configurations are wanted."""
        return self.denoiser.theory

    @property
    def lattice(self) -> Lattice:
        """Lattice of the configurations."""
        return self.denoiser.lattice

    @property
    def statistics(self) -> ModeStatistics:
        """Numbers learnt beside the weights."""
        return self.denoiser.statistics

    @property
    def stop(self) -> threading.Event:
        """Event that ends the run."""
        return self.denoiser.stop

    @property
    def device(self) -> torch.device:
        """Device on which fields have to be."""
        return self.denoiser.device

    def stopped_by(self, stop: threading.Event) -> Self:
        """Copy the process, with another event that stops it."""
        return replace(self, denoiser=self.denoiser.stopped_by(stop))

    def raise_if_stopped(self) -> None:
        """Raise Stopped once the run is to end."""
        self.denoiser.raise_if_stopped()

    def from_field(self, field: Tensor) -> Tensor:
        """Field in units of the scale."""
        return self.denoiser.from_field(field)
