"""Criteria for correctness of complex Langevin: each is necessary, and what fails one is not to be trusted.

The tail of the drift, boundary terms, Schwinger–Dyson equations, bounds of expectation values, the share of
integration cycles, the weight of thimbles that a kernel leaves out, and run-aways that were started anew. A criterion
that cannot be judged (no record of the drift, more than one variable, too few draws) is left out.
"""

import cmath
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sqcli import stats
from sqcli.analysis import flags
from sqcli.analysis._boundary_terms import boundary_term
from sqcli.analysis._cycles import left_out, outer_share
from sqcli.analysis._draw_series import DrawSeries
from sqcli.analysis._equilibrium_flags import Z_LIMIT, cut, z_of
from sqcli.analysis.drift_tail import drift_tail
from sqcli.analysis.ensemble import MeasuredEnsemble
from sqcli.analysis.selection import observable
from sqcli.observables import COMPLEX, Observable, name_of
from sqcli.stats import Chains

OPERATOR, SQUARE, MOMENTS, HARMONICS = "langevin_operator", "drift_squared", "moments", "harmonics"
STEP_ALONE = 2.0  # times what a step of Euler and Maruyama does, ε⟨(∂S)²⟩, that is taken for the step's doing
LEFT_OUT = 5e-3  # part that may be left out with thimbles
SAME_ANGLE = 0.02  # of a kernel, to that of the thimble of z = 0


@dataclass(frozen=True)
class Criterion:
    """Criterion that was judged.

    Attributes:
        name: flag that estimates carry where it fails.
        value: number that was judged, with its error; its meaning is the criterion's.
        passed: whether it holds.
        words: what was found, in one line.
    """

    name: str
    value: complex | float
    error: complex | float | None
    passed: bool
    words: str


def judged_by(opened: MeasuredEnsemble) -> list[Observable]:
    """List the observables whose series are judged; none for fields that are real."""
    names = (OPERATOR, SQUARE, MOMENTS, HARMONICS) if opened.field == COMPLEX else ()
    return [each for name in names if opened.available(each := observable(name))]


def criteria(opened: MeasuredEnsemble, series: Mapping[str, DrawSeries], skip: int, stride: int) -> list[Criterion]:
    """Judge all criteria that can be, none for fields that are real, from the series of `judged_by`, cut already."""
    columns = {name_of(each): _columns(opened, each, series) for each in judged_by(opened)}
    if not columns:
        return []
    said: Any = opened.ensemble.attrs.get("algorithm_parameters") or {}
    step = float(said.get("step_size", 0.0))
    moved = step * abs(complex(np.mean(np.concatenate(list(columns[SQUARE][""])))))
    found = [*_drift(opened, columns, moved, skip, stride), *_identities(columns, moved), *_bounds(opened, columns)]
    return [*found, *_thimbles(opened, columns, step)]


def trust_flags(opened: MeasuredEnsemble, series: Mapping[str, DrawSeries], skip: int, stride: int) -> tuple[str, ...]:
    """Flags of an ensemble that fails criteria: which ones, and `untrusted` unless it is the step alone."""
    failed = [each.name for each in criteria(opened, series, skip, stride) if not each.passed]
    return (flags.UNTRUSTED, *failed) if set(failed) - {flags.STEP_SIZE} else tuple(failed)


def _columns(opened: MeasuredEnsemble, instance: Observable, series: Mapping[str, DrawSeries]) -> dict[str, Chains]:
    """Components of a series, by label."""
    chains = series[f"observables/{name_of(instance)}"].chains()
    labels = instance.components(opened.theory)
    if labels is None:
        return {"": chains}
    return {label: [values[:, k] for values in chains] for k, label in enumerate(labels)}


def _drift(
    opened: MeasuredEnsemble, columns: Mapping[str, dict[str, Chains]], moved: float, skip: int, stride: int
) -> Iterator[Criterion]:
    """Judge what the run recorded of the drift; the step moves means of L O by `moved`."""
    if "drift_max" not in opened.ensemble.stat_names:
        return
    largest, drift, runaways = (
        cut(opened.ensemble.stat(name), skip, stride) for name in ("drift_max", "drift", "runaways")
    )
    tail = drift_tail(largest)
    if tail is not None:
        yield Criterion(flags.DRIFT_TAIL, tail.index, tail.error, tail.z <= Z_LIMIT, tail.words())
    terms = next(iter(columns.get(OPERATOR, {}).values()), None)
    boundary = None if terms is None else boundary_term(terms, drift, STEP_ALONE * moved)
    if boundary is not None:
        words = f"boundary term of the lowest observable, at |drift| < {boundary.bound:.3g}"
        yield Criterion(flags.BOUNDARY_TERM, boundary.value, boundary.error, boundary.z <= Z_LIMIT, words)
    count = float(sum(chain.sum() for chain in runaways))
    yield Criterion(flags.RUNAWAYS, count, None, count == 0, "run-aways that were started anew")


def _identities(columns: Mapping[str, dict[str, Chains]], moved: float) -> Iterator[Criterion]:
    """Judge ⟨L O⟩ = 0 of the lowest O; a step that moves it by `moved` at most is told apart from other faults."""
    label, chains = next(iter(columns.get(OPERATOR, {}).items()), ("", []))
    estimate = stats.estimate(chains)[0]
    z = z_of(estimate)
    if z is None or estimate.value is None:
        return
    passed, small = abs(z) <= Z_LIMIT, abs(estimate.value) <= STEP_ALONE * moved
    words = f"Schwinger-Dyson equation of {label}; a step moves it by about {moved:.2g}"
    name = flags.STEP_SIZE if not passed and small else flags.SCHWINGER_DYSON
    yield Criterion(name, estimate.value, estimate.error, passed, words)


def _bounds(opened: MeasuredEnsemble, columns: Mapping[str, dict[str, Chains]]) -> Iterator[Criterion]:
    """Judge |⟨O⟩| ≤ ∫ |ρ O|; of those that the theory knows the one that comes nearest is told."""
    theory: Any = opened.theory.loaded
    known = theory.bounds(opened.lattice) if hasattr(theory, "bounds") else {}
    nearest: tuple[float, Criterion] | None = None
    for (name, label), bound in known.items():
        estimate = stats.estimate(columns[name][label])[0] if label in columns.get(name, {}) else None
        if estimate is None or estimate.value is None or estimate.error is None:
            continue
        size, error = abs(estimate.value), abs(estimate.error)
        found = Criterion(flags.BOUND, size / bound, error / bound, size - Z_LIMIT * error <= bound, f"{name}[{label}]")
        if nearest is None or (size - Z_LIMIT * error) / bound > nearest[0]:
            nearest = (size - Z_LIMIT * error) / bound, found
    if nearest is not None:
        yield nearest[1]


def _thimbles(opened: MeasuredEnsemble, columns: Mapping[str, dict[str, Chains]], step: float) -> Iterator[Criterion]:
    """Judge the shares of integration cycles, and what a kernel leaves out."""
    theory: Any = opened.theory.loaded
    if not hasattr(theory, "critical_points"):
        return
    share = outer_share(theory, columns[MOMENTS]["2"], step)
    if share is not None:
        words = f"share of thimbles but that of 0; it has to be {share.expected:.4g}"
        yield Criterion(flags.CYCLES, share.value, share.error, share.z <= Z_LIMIT, words)
        if share.alone:
            words = "part of <z^2> from thimbles that the process leaves out"
            yield Criterion(flags.MISSING_THIMBLES, share.missing, None, share.missing <= LEFT_OUT, words)
    elif _follows_one(theory, opened):
        weight = left_out(theory)
        passed, words = weight is not None and weight <= LEFT_OUT, "weight of the thimbles that the kernel leaves out"
        yield Criterion(flags.MISSING_THIMBLES, weight if weight is not None else 1.0, None, passed, words)


def _follows_one(theory: Any, opened: MeasuredEnsemble) -> bool:
    """Tell whether a chain had the kernel of the thimble of z = 0, and another than 1."""
    stiffness = theory.stiffness(opened.lattice)
    if not stiffness or "kernel_angle" not in opened.ensemble.stat_names:
        return False
    wanted = -cmath.phase(stiffness) / 2
    angles = [chain[0] for chain in opened.ensemble.stat("kernel_angle") if len(chain)]
    return any(angle != 0 and abs(math.sin(angle - wanted)) < SAME_ANGLE for angle in angles)
