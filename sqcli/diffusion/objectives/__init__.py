"""Training objectives, one file each."""

from sqcli.diffusion.objectives._base import Extended, Objective
from sqcli.diffusion.objectives._noising import GeneratorNumbers, mean_square, noisy, stratified

__all__ = ["Extended", "GeneratorNumbers", "Objective", "mean_square", "noisy", "stratified"]
