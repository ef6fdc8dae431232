"""Figures of ensembles and models."""

from sqcli.figures._plot import KINDS, MODEL_KINDS, OF_ENSEMBLES, plot, plot_model, plot_several
from sqcli.figures._style import Source

__all__ = ["KINDS", "MODEL_KINDS", "OF_ENSEMBLES", "Source", "plot", "plot_model", "plot_several"]
