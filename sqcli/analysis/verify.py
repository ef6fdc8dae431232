"""Verify: is the physics of an ensemble right?

Exact expectation values where the theory has them, Schwinger–Dyson identities ⟨O ∂S/∂φ⟩ = ⟨∂O/∂φ⟩ which every real
action has, ⟨e^{−ΔH}⟩ = 1, memory of the start, a topological charge that is frozen, links that are not in their group,
actions that are not those that the run recorded, and reversibility of the molecular dynamics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sqcli.analysis import _integrity, _physics_checks
from sqcli.analysis._equilibrium_flags import cut
from sqcli.analysis._verdicts import ADVICE, OF_LOOPS, decide, undecided
from sqcli.analysis.ensemble import open_for_measuring
from sqcli.analysis.measure import Report
from sqcli.stats import real_parts

MOST_NAMES = 6  # in one line


@dataclass(frozen=True)
class Verdict(Report):
    """Rows of all checks: observable, component, value, error, reference, z, passed, reason.

    `passed` is null where a row cannot be decided; `reason` says why.
    """

    @property
    def verdict(self) -> Literal["passed", "failed", "undecided"]:
        """Verdict on the ensemble: `passed` only where the decisive rows were judged and none failed."""
        if any(row["passed"] is False for row in self.estimates):
            return "failed"
        return "undecided" if undecided(self.estimates) else "passed"

    @property
    def passed(self) -> bool:
        """Whether the verdict is `passed`."""
        return self.verdict == "passed"

    def sentence(self) -> str:
        """Verdict and what to do, in one line."""
        if self.verdict == "passed":
            return "passed"
        if self.verdict == "failed":
            failed = [_name(row) for row in self.estimates if row["passed"] is False]
            return f"failed: {_listed(failed)}; do not trust this ensemble"
        reasons: dict[str, list[str]] = {}
        for row in undecided(self.estimates):
            reasons.setdefault(row["reason"], []).append(_name(row))
        said = "; ".join(f"{_listed(names)}: {reason}" for reason, names in reasons.items())
        return f"undecided: {said}; {', and '.join(dict.fromkeys(ADVICE[reason] for reason in reasons))}"


def _listed(names: Sequence[str]) -> str:
    """Names in one line, and how many more there are than fit."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _name(row: Mapping[str, Any]) -> str:
    return str(row["observable"]) + (f"[{row['component']}]" if row["component"] is not None else "")


@np.errstate(all="ignore")  # what is not finite is told
def verify(path: str | Path, *, skip: int = 0, stride: int = 1) -> Verdict:
    """Check the committed draws of the ensemble at `path`.

    By chance a row of a right ensemble fails in one report of 16 000.

    Raises:
        SqcliError: no readable ensemble, or no draw is left.
    """
    opened = open_for_measuring(path, skip)
    found = _physics_checks.histories(opened)
    residual, state = ({name: cut(chains, skip, stride) for name, chains in part.items()} for part in found)
    witness = real_parts({name: chains for name, chains in residual.items() if not name.startswith(OF_LOOPS)})
    rows = [
        *_physics_checks.references(opened, skip, stride),
        *_physics_checks.identities(opened, residual, skip, stride),
        *_physics_checks.charges(opened, state),
        *_physics_checks.agreement(opened, witness | real_parts(state)),
        *_physics_checks.energy(opened, skip, stride),
        *_physics_checks.thermalised(opened, witness | real_parts({"action": state["action"]}), skip, stride),
    ]
    decide(rows, frozen=any(len(chain) > 1 and (chain == chain[0]).all() for chain in state["action"]))
    certain = [*_integrity.in_group(opened), *_integrity.recorded_action(opened, found[1]["action"])]
    trusted = _physics_checks.trusted(opened, skip, stride)
    return Verdict(opened.head(), [*rows, *certain, *trusted, *_physics_checks.reversibility(opened)])
