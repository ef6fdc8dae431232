"""What the draws of an ensemble are worth: whether their distribution is the theory's, and by what correction."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Exactness:
    """What the draws are: `exact`, `asymptotic`, `weighted` or `uncorrected`, and what was corrected by what."""

    status: Literal["exact", "asymptotic", "weighted", "uncorrected"]
    reason: str
