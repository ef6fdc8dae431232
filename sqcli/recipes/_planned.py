"""A run of a recipe, as planned before anything is made."""

from dataclasses import dataclass
from typing import Any


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
