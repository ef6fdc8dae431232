"""Sample a trained model and write an ensemble.

Methods that know the density of what they draw give weighted draws, or with --accept independence a Markov chain.
The same command goes on where it was stopped, and changes nothing when everything is there. Options left
out mean "as stored", a larger --draws extends. A signal (TERM, INT, HUP, USR1, …) and the time limit commit and end it
with exit code 75: run it again to go on.
"""

import threading

from sqcli.cli.progress import reporter
from sqcli.cli.requests import takes
from sqcli.cli.settings import Settings
from sqcli.runs.sampling.request import SampleRequest

CATALOGUES = {"samplers": "-a"}


@takes(SampleRequest)
def command(settings: Settings, request: SampleRequest) -> None:
    """Sample what the request asks for, and show the progress."""
    from sqcli.runs.sample import sample

    with reporter(settings) as report:
        sample(request, threading.Event(), report)
