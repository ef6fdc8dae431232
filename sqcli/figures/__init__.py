"""Figures of ensembles, models and scans, one file per kind."""

from sqcli.figures._axis import Axis
from sqcli.figures._base import (
    AtTimes,
    BesideEnsemble,
    EnsemblesFigure,
    FigureKind,
    LabelledEnsemble,
    ModelFigure,
    OnDevice,
    ScanFigure,
    Seeded,
)
from sqcli.figures._plot import FOLDER, Image, build, draw, kind_of, kinds, of_sampled_ensembles, plot

__all__ = [
    "FOLDER",
    "AtTimes",
    "Axis",
    "BesideEnsemble",
    "EnsemblesFigure",
    "FigureKind",
    "Image",
    "LabelledEnsemble",
    "ModelFigure",
    "OnDevice",
    "ScanFigure",
    "Seeded",
    "build",
    "draw",
    "kind_of",
    "kinds",
    "of_sampled_ensembles",
    "plot",
]
