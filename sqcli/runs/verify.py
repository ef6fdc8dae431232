"""Verify: is the physics of an ensemble right?

Exact expectation values where the theory has them, Schwinger–Dyson identities ⟨O ∂S/∂φ⟩ = ⟨∂O/∂φ⟩ which every real
action has, ⟨e^{−ΔH}⟩ = 1, memory of the start, and reversibility of the molecular dynamics.
"""

from dataclasses import dataclass
from pathlib import Path

from sqcli.errors import SqcliError
from sqcli.runs import _checks
from sqcli.runs._opened import open_for_measuring
from sqcli.runs._soundness import Z_LIMIT, cut
from sqcli.runs.measure import Report


@dataclass(frozen=True)
class Verdict(Report):
    """The rows of all checks: observable, component, value, error, reference, z, passed (null: cannot be said)."""

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(row["passed"] is not False for row in self.estimates)


def verify(path: str | Path, *, skip: int = 0, stride: int = 1) -> Verdict:
    """Check the committed draws of the ensemble at `path`.

    A row fails when |z| > 4; by chance that happens to one right row in 16 000.

    Raises:
        SqcliError: no readable ensemble, or too few draws to judge anything.
    """
    opened = open_for_measuring(path)
    residual = {name: cut(chains, skip, stride) for name, chains in _checks.residuals(opened).items()}
    rows = [
        *_checks.references(opened, skip, stride),
        *_checks.identities(opened, residual, skip, stride),
        *_checks.energy(opened, skip, stride),
        *_checks.thermalised(opened, residual, skip, stride),
    ]
    if all(row["z"] is None for row in rows):
        raise SqcliError(f"{path}: too few draws to verify anything; generate more, or skip fewer")
    for row in rows:
        if row["z"] is not None:
            row["passed"] = row["passed"] is not False and abs(row["z"]) <= Z_LIMIT
    return Verdict(opened.head(), [*rows, *_checks.reversibility(opened)])
