"""Samplers, one file each: how configurations are drawn from a trained model."""

from sqcli.diffusion.samplers._base import Costly, Piloted, Sampler, Weighted
from sqcli.diffusion.samplers._ladder import Rung, halve, start

__all__ = ["Costly", "Piloted", "Rung", "Sampler", "Weighted", "halve", "start"]
