"""Progress of a training on stderr: a live line on a terminal, a line a minute elsewhere, and a closing line."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from sqcli.cli.progress import clock, live
from sqcli.cli.settings import Settings


@contextlib.contextmanager
def reporter(settings: Settings, name: str = "training") -> Iterator[Callable[[Any], None]]:
    """Yield a function that shows a moment of the training; on all ranks but the first nothing is said."""
    last: list[Any] = []
    first = os.environ.get("RANK", "0") == "0"
    try:
        with live(settings) as show:

            def report(moment: Any) -> None:
                last[:] = [moment]
                show(name, moment.step, moment.steps, note(moment))

            yield report
        if first and not last:
            settings.say("nothing to do: the model is finished")
    finally:
        if last:
            settings.say(closing(last[0]))


def note(moment: Any) -> str:
    """Write how far a training is: `epoch 3/50 · loss 0.123 · validation 0.130 · 12 steps/s · 0:01:10 left`."""
    parts = [f"epoch {moment.epoch}/{moment.epochs}", *_losses(moment), f"{moment.rate:.3g} steps/s"]
    if moment.rate > 0:
        parts.append(f"{clock((moment.steps - moment.step) / moment.rate)} left")
    return " · ".join(parts)


def closing(moment: Any) -> str:
    """Write the line that stays when a training ends: steps, epochs, losses and pace."""
    losses = ", ".join(_losses(moment))
    steps = f"{moment.step} of {moment.steps}" if moment.step < moment.steps else f"{moment.step}"
    return f"trained {steps} steps, {moment.epoch} epochs ({losses}; {moment.rate:.3g} steps/s)"


def _losses(moment: Any) -> list[str]:
    found = {"loss": moment.loss, "validation": moment.validation}
    return [f"{name} {value:.4g}" for name, value in found.items() if value is not None]
