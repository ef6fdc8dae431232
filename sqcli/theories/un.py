"""U(N) gauge theory in two to four dimensions: S = β Σ_□ (1 − Re tr U_□/N) (Wilson, PRD 10, 2445, 1974)."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.theories._group import GroupTheory


@dataclass(frozen=True)
class UN(GroupTheory):
    """Links in U(N)."""

    special: ClassVar[bool] = False
