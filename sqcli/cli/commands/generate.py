"""Run Monte Carlo or Langevin and write an ensemble.

The same command goes on where it was stopped, and changes nothing when everything is there. Options left
out mean "as stored", a larger --draws extends. A signal (TERM, INT, HUP, USR1, …) and the time limit commit and end it
with exit code 75: run it again to go on.
"""

import threading

from sqcli.cli.progress import reporter
from sqcli.cli.requests import takes
from sqcli.cli.settings import Settings
from sqcli.runs.generation.request import Request

CATALOGUES = {"theories": "-p", "algorithms": "-a"}


@takes(Request)
def command(settings: Settings, request: Request) -> None:
    """Generate what the request asks for, and show the progress."""
    from sqcli.runs.generate import generate

    with reporter(settings) as report:
        generate(request, threading.Event(), report)
