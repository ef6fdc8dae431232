"""A run of a recipe, as planned before anything is made."""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqcli import options
from sqcli.errors import UsageError

R = TypeVar("R")


@dataclass(frozen=True)
class Run:
    """What one command makes.

    Attributes:
        kind: generate, train or sample.
        name: of the ensemble or the model.
        key: where the step stands in the recipe.
        request: of `generate`, `train` or `sample`, with the command line.
        facts: what is known of the result before it is there: the `RunSpec` or `SampleSpec` of an ensemble, the
            document of a model.
    """

    kind: str
    name: str
    key: str
    request: Any
    facts: Any


def asking(command: str, request: R) -> R:
    """The request with the command line that asks for it.

    Raises:
        UsageError: an option is left out that is needed.
    """
    for each in options.missing(request):
        raise UsageError(f"{each.name}: is missing")
    words: Any = {"command_line": ("sqcli", command, *options.words(request))}
    return replace(request, **words)  # type: ignore[type-var]
