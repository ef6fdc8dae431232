"""Verify: is the physics of an ensemble right?

Exact expectation values where the theory has them, Schwinger–Dyson identities ⟨O ∂S/∂φ⟩ = ⟨∂O/∂φ⟩ which every real
action has, ⟨e^{−ΔH}⟩ = 1, memory of the start, and reversibility of the molecular dynamics.
"""

from dataclasses import dataclass
from pathlib import Path

from sqcli.errors import SqcliError
from sqcli.runs import _checks
from sqcli.runs._opened import open_for_measuring
from sqcli.runs._soundness import cut
from sqcli.runs.measure import Report
from sqcli.stats.special import normal_upper_quantile

P_FOUR_SIGMA = 6.334e-5


@dataclass(frozen=True)
class Verdict(Report):
    """The rows of all checks: observable, component, value, error, reference, z, passed (null: cannot be said)."""

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(row["passed"] is not False for row in self.estimates)


def verify(path: str | Path, *, skip: int = 0, stride: int = 1) -> Verdict:
    """Check the committed draws of the ensemble at `path`.

    The more rows, the larger the largest |z| by chance: a row fails beyond the z that one of all the rows of a correct
    ensemble exceeds as rarely as a single Gaussian exceeds 4 (about 4.8 for 30 rows, by Bonferroni's inequality).

    Raises:
        SqcliError: no readable ensemble, or too few draws to judge anything.
    """
    opened = open_for_measuring(path)
    residual = {name: cut(chains, skip, stride) for name, chains in _checks.residuals(opened).items()}
    rows = [
        *_checks.references(opened, skip, stride),
        *_checks.identities(residual),
        *_checks.energy(opened, skip, stride),
        *_checks.thermalised(opened, residual, skip, stride),
    ]
    judged = sum(row["z"] is not None for row in rows)
    if not judged:
        raise SqcliError(f"{path}: too few draws to verify anything; generate more, or skip fewer")
    limit = normal_upper_quantile(P_FOUR_SIGMA / 2 / judged)
    for row in rows:
        if row["z"] is not None:
            row["passed"] = row["passed"] is not False and abs(row["z"]) <= limit
    return Verdict(opened.head(), [*rows, *_checks.reversibility(opened)])
