"""Runs of a recipe, as they are planned before anything is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqcli import options
from sqcli.errors import UsageError
from sqcli.runs.execution.streams import spawned

R = TypeVar("R")


@dataclass(frozen=True)
class Run:
    """Run of one command, which makes an ensemble or a model.

    Attributes:
        kind: generate, train or sample.
        name: name of the ensemble or the model.
        key: key of the step in the recipe.
        request: request of `generate`, `train` or `sample`, with the command line.
        facts: all that is known of the result before it is there: the `RunSpec` or `SampleSpec` of an ensemble, the
            document of a model.
    """

    kind: str
    name: str
    key: str
    request: Any
    facts: Any


def with_command_line(command: str, request: R) -> R:
    """Return the request with the command line that asks for it.

    Raises:
        UsageError: an option is left out that is needed.
    """
    for each in options.missing(request):
        raise UsageError(f"{each.name}: is missing")
    words: Any = {"command_line": ("sqcli", command, *options.words(request))}
    return replace(request, **words)  # type: ignore[type-var]


def with_point(given: Mapping[str, Any], point: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the options of a step at one point of its scan: its parameters, and a seed of its own."""
    seed = spawned(given["seed"], name) if point and given["seed"] is not None else given["seed"]
    return {**given, "seed": seed, "parameters": {**given["parameters"], **point}}
