"""Train a score model on one or several ensembles.

The same command goes on where it was stopped, and changes nothing when the model is finished; options left out mean
"as stored". -a sets the net's parameters by plain name, the others' as schedule.NAME and objective.NAME. A signal
(TERM, INT, HUP, USR1, …) and the time limit write a checkpoint and end it with exit code 75: run it again to go on.
Several GPUs: torchrun --nproc-per-node N -m sqcli train ….
"""

import threading

from sqcli.cli.requests import takes
from sqcli.cli.settings import Settings
from sqcli.cli.training_progress import reporter
from sqcli.runs.training.request import TrainRequest

CATALOGUES = {"nets": "-a", "schedules": "-a schedule.", "objectives": "-a objective."}


@takes(TrainRequest)
def command(settings: Settings, request: TrainRequest) -> None:
    """Train what the request asks for, and show the progress."""
    from sqcli.runs.train import train

    with reporter(settings, f"training {request.path}") as report:
        train(request, threading.Event(), report)
