"""Samplers, one file each: how configurations are drawn from a trained model."""

from sqcli.diffusion.samplers._base import Costly, Piloted, Sampler, Weighted
from sqcli.diffusion.samplers._ladder import Rung, halve, start
from sqcli.diffusion.samplers._partial import PartialMove
from sqcli.diffusion.samplers.path import Path, paths_of

__all__ = ["Costly", "PartialMove", "Path", "Piloted", "Rung", "Sampler", "Weighted", "halve", "paths_of", "start"]
