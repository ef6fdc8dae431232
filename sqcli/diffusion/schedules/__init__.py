"""Noise schedules, one file each."""

from sqcli.diffusion.schedules._base import Schedule

__all__ = ["Schedule"]
