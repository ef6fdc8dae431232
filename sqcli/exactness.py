"""What the draws of an ensemble are worth: whether their distribution is the theory's, and by what correction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Exactness:
    """What the draws are: `exact`, `asymptotic`, `weighted` or `uncorrected`, and what was corrected by what.

    Draws of another code are `unknown` unless their owner says more.
    """

    status: Literal["exact", "asymptotic", "weighted", "uncorrected", "unknown"]
    reason: str


def status_of(attributes: Mapping[str, Any]) -> str | None:
    """The status that an ensemble's root attributes state; None where they state none."""
    said = attributes.get("exactness")
    status = said.get("status") if isinstance(said, Mapping) else said
    return status if isinstance(status, str) else None
