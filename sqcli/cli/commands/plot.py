"""Plot an observable of an ensemble, or what a model does.

A kind of figure is of an ensemble, or of a model; some of those of models are also of an ensemble that was sampled with
densities. Options are those of the kind, see below. Times are the schedule's, levels are in units of the normalised
field; comma-separated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli.cli.figure_options import all_options
from sqcli.cli.requests import takes
from sqcli.cli.settings import Settings
from sqcli.options import REQUIRED, group, option

CATALOGUES = {"figures": ""}


@dataclass(frozen=True)
class PlotRequest:
    """A figure to draw: its subject, its kind with options, and the image to write."""

    path: Path = option("Directory of an ensemble or a model.", "ENS|MODEL", default=REQUIRED, argument=True)
    kind: str = option("Kind of figure, see below.", "KIND", default="history")
    out: Path | None = option("Image to write; left out, KIND-NAME.png here.", "FILE")
    given: Mapping[str, Any] = group(all_options())


@takes(PlotRequest)
def command(settings: Settings, request: PlotRequest) -> None:
    """Draw the figure and write it to a file; numbers that it shows are said as well."""
    from sqcli.figures import plot

    image = plot(request.path, request.kind, request.out, **request.given)
    for line in (*image.lines, f"wrote {image.path}"):
        settings.say(line)
