"""Verdicts on checks: passed, failed, or undecided with a reason.

What was not judged has not passed. A report is *passed* only where the decisive rows, exact references and
Schwinger–Dyson identities, were judged and nothing failed. With many rows the limit of each is higher, so that a right
ensemble fails as rarely as a single row beyond 4 σ would (Bonferroni).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqcli import stats
from sqcli.analysis._equilibrium_flags import Z_LIMIT, z_of
from sqcli.stats import flags as f
from sqcli.stats.special import normal_upper_quantile, student_p

Row = dict[str, Any]
FEW = "its chains are too short and too few to know the error"
TAILS = "more draws are needed to know its tails"
WEIGHTS = "few draws carry the weight"
STUCK = "the chains disagree, each may be stuck in a state of its own"
NEVER = "a chain never moved"
FROZEN = "the topological charge hardly ever changes, each chain stays in the sector of its start"
NOT_FINITE = "it is not a finite number"
STILL = "nothing fluctuates"
ADVICE = {
    FEW: "generate more draws",
    TAILS: "generate more draws",
    WEIGHTS: "generate more draws, or sample closer to the theory",
    STUCK: "run longer, or use an algorithm that moves between the states",
    NEVER: "use a smaller step or another algorithm",
    FROZEN: "use an algorithm that moves between the sectors",
    NOT_FINITE: "use a smaller step",
    STILL: "use a smaller step or another algorithm",
}
ROUNDING = 1e-6  # of a number that equals its reference in every draw, such as a loop around the whole torus
MOST_LYAPUNOV = 0.7  # of what passes; what fails is held against its outliers as well
LEAST_DOF = 3.0
STUCK_FROM = 6.0  # sigma between chains; each has its own step, and so its own autocorrelation
APART = 10.0  # sigma between chains that no stuck but right algorithm explains in an identity
OF_LOOPS = "loop_"  # residuals of loop equations: many and alike, so that others can stand for them
IDENTITY, AGREEMENT = "schwinger_dyson", "chains_agree"
SIDE = ("exp_delta_h", "start_memory", "warmup_drift", "reversibility")  # checks that can fail, and decide nothing else


def row(name: str, component: str | None, *, reference: float | None = 0.0, **facts: Any) -> Row:
    """Make a row of the report; `passed` is decided later, from all z-scores together, where it is not given."""
    empty: Row = {"value": None, "error": None, "reference": reference, "z": None, "passed": None}
    return {"observable": name, "component": component} | empty | {"reason": None, "flags": []} | facts


def compared(name: str, component: str | None, estimate: stats.Estimate, reference: float) -> Row:
    """Make a row that holds an estimate against a number it must equal, and why that may not be decided.

    The report shows the plain z; it is decided by `judged`, which grants the estimate some draws of its tails.
    """
    facts: Row = {"value": estimate.value, "error": estimate.error, "flags": list(estimate.flags)}
    if _always(estimate, reference):
        return row(name, component, reference=reference, passed=True, **facts)
    z = z_of(estimate, reference, outliers=0.0)
    facts |= {"z": z, "judged": z_of(estimate, reference), "reason": _reason(estimate, z)}
    return row(name, component, reference=reference, **facts)


def _always(estimate: stats.Estimate, reference: float) -> bool:
    """Whether every draw has the value that is expected, up to rounding."""
    if not (reference and isinstance(estimate.value, float) and isinstance(estimate.error, float)):
        return False
    return max(abs(estimate.value - reference), estimate.error) <= ROUNDING * abs(reference)


def _reason(estimate: stats.Estimate, z: float | None) -> str | None:
    """Reason why agreement with the reference would prove nothing; None: it would."""
    if f.NOT_FINITE in estimate.flags:
        return NOT_FINITE
    if f.CONSTANT in estimate.flags:
        return STILL
    if z is None or f.FEW_CHAINS in estimate.flags or (estimate.dof or 0) < LEAST_DOF:
        return FEW
    if f.NOT_MIXED in estimate.flags and (estimate.dof or 0) < stats.MANY_CHAINS - 1:
        return STUCK
    return None if estimate.lyapunov is not None and estimate.lyapunov < MOST_LYAPUNOV else TAILS


def decide(rows: Sequence[Row], *, frozen: bool = False) -> None:
    """Fill in `passed` from the z-scores; where chains are `frozen` no number says that the theory is wrong."""
    asked = sum(line["z"] is not None for line in rows)
    limit = normal_upper_quantile(student_p(Z_LIMIT, 1e9) / 2 / max(1, asked))
    for line in rows:
        judged = line.pop("judged", line["z"])
        if line["z"] is not None:
            line["passed"] = _passed(line, abs(judged), limit)
            if line["observable"] == AGREEMENT and line["passed"] is None:
                line["reason"] = STUCK
        if frozen and line["passed"] is False and line["observable"] not in SIDE:
            line |= {"passed": None, "reason": NEVER}


def _passed(line: Row, judged: float, limit: float) -> bool | None:
    off = judged > limit
    if line["observable"] == AGREEMENT:
        return None if judged > STUCK_FROM else True
    if off and line["reason"] not in (FEW, WEIGHTS, NOT_FINITE):
        return False
    return None if line["reason"] else not off


def undecided(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Decisive rows that could not be judged; where an identity was, those that only lack the tails do not count."""
    judged = any(line["passed"] for line in rows if line["observable"] == IDENTITY)
    return [line for line in rows if line["passed"] is None and line["reason"] and _blocks(line, judged)]


def _blocks(line: Mapping[str, Any], judged: bool) -> bool:
    if line["observable"] in SIDE:
        return False
    one_of_many = line["reason"] == FEW and str(line["component"]).startswith(OF_LOOPS)
    return not (judged and (line["reason"] in (STILL, TAILS) or one_of_many))
