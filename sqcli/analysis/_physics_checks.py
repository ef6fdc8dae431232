"""Checks behind `verify`: each yields rows with a z-score, or with a verdict where there is nothing random.

z-scores know about autocorrelation and count few chains (Student's t as the Gaussian z that is as improbable). Weighted
draws enter with their weights; where a few of them carry it all, nothing can be said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import registry, stats
from sqcli.analysis import flags
from sqcli.analysis._criteria import criteria, judged_by
from sqcli.analysis._equilibrium_flags import cut, energy_balance, energy_changes, memory_z, warmup_drift, watched
from sqcli.analysis._frozen_charge import charge_squared, frozen, stuck
from sqcli.analysis._verdicts import (
    AGREEMENT,
    APART,
    FROZEN,
    IDENTITY,
    STILL,
    STUCK,
    TAILS,
    WEIGHTS,
    Row,
    compared,
    row,
)
from sqcli.analysis.ensemble import LOG_WEIGHT, MeasuredEnsemble
from sqcli.analysis.exact_values import exact_values
from sqcli.analysis.measure import estimates, shortened, weights_behind
from sqcli.analysis.observable_series import gather
from sqcli.analysis.selection import FOLDER, observable
from sqcli.stats import Chains

SECTORS = "topological_susceptibility"
CRITERION = "criterion"
MISSED = 10.0  # configurations of other sectors that cannot all be missing by chance
BLOCK_BYTES = 8 * 2**20


def references(opened: MeasuredEnsemble, skip: int, stride: int) -> Iterator[Row]:
    """Check exact expectation values of the theory on this lattice, wherever there is an observable for them.

    Topological sectors are judged by `charges`.
    """
    exact = {key: x for key, x in exact_values(opened.theory.loaded, opened.lattice).items() if key[0] != SECTORS}
    names = [name for name in dict.fromkeys(name for name, _ in exact) if name in registry.names(FOLDER)]
    chosen = {name: instance for name in names if opened.available(instance := observable(name))}
    series = shortened(gather(opened, chosen.values()), skip, stride)
    for name, instance in chosen.items():
        labels = instance.components(opened.theory) or (None,)
        tame = _tame(weights_behind(instance, series))
        for label, estimate in zip(labels, estimates(opened, instance, series), strict=True):
            if (name, label) in exact:
                line = compared(name, label, estimate, exact[name, label])
                yield line if tame else _carried(line, WEIGHTS if instance.reweighted else TAILS)


def histories(opened: MeasuredEnsemble) -> tuple[dict[str, Chains], dict[str, Chains]]:
    """Compute what is checked in every draw, per chain (n_i,).

    Returns:
        Schwinger–Dyson residuals by name; and what tells the states of chains apart, the action and, where there
        is one, the topological charge.
    """
    residual: dict[str, list[list[NDArray[Any]]]] = {}
    state: dict[str, list[list[NDArray[Any]]]] = {}
    theory, lattice, charge = opened.theory.loaded, opened.lattice, observable("topological_charge")
    has_charge = opened.available(charge) and lattice.dimension == 2  # in four it takes a flow, with nothing to compare
    for block in opened.ensemble.blocks(BLOCK_BYTES):
        fields = opened.ensemble.read_block(block).fields
        _collect(residual, opened, block.chains, theory.identities(fields, lattice))
        fields = fields.astype(np.result_type(fields.dtype, np.float64), copy=False)
        seen = {"action": np.asarray(theory.action(fields, lattice))}
        if has_charge:
            seen["charge"] = charge.series(fields, opened.theory)
        _collect(state, opened, block.chains, seen)
    return _joined(residual), _joined(state)


def _collect(
    parts: dict[str, list[list[NDArray[Any]]]],
    opened: MeasuredEnsemble,
    chains: range,
    found: Mapping[str, NDArray[Any]],
) -> None:
    for name, values in found.items():
        lists = parts.setdefault(name, [[] for _ in range(opened.ensemble.chains)])
        for chain, new in zip(chains, values.reshape(len(chains), -1), strict=True):
            lists[chain].append(new)


def _joined(parts: Mapping[str, list[list[NDArray[Any]]]]) -> dict[str, Chains]:
    return {name: [np.concatenate([np.empty(0), *c]) for c in chains] for name, chains in parts.items()}


def _carried(line: Row, reason: str = WEIGHTS) -> Row:
    """Mark a row as undecided, because few draws carry the weight."""
    return line | {"z": None, "reason": reason, "flags": [flags.LOW_WEIGHT_ESS, *line["flags"]]}


def _weights(opened: MeasuredEnsemble, skip: int, stride: int) -> list[NDArray[np.float64]] | None:
    if not opened.weighted:
        return None
    return stats.relative_weights(cut(opened.ensemble.stat(LOG_WEIGHT), skip, stride))


def _tame(weights: Chains | None) -> bool:
    """Whether weighted means are Gaussian far enough out to be judged; log Z is a mean of weights itself."""
    return weights is None or float(np.ptp(np.concatenate(list(weights)))) == 0 or not stats.carried_by_few(weights)


def identities(opened: MeasuredEnsemble, residual: Mapping[str, Chains], skip: int, stride: int) -> Iterator[Row]:
    """Check ⟨O ∂S/∂φ − ∂O/∂φ⟩ = 0; chains that disagree, each frozen in its own state, fail whatever their mean."""
    weights = _weights(opened, skip, stride)
    tame = _tame(weights)
    for name, plain in residual.items():
        chains = plain if weights is None else stats.reweighted(plain, weights)
        estimate = replace(stats.estimate(chains)[0], weighted=weights is not None)
        line = compared(IDENTITY, name, estimate, 0.0)
        apart = _apart(chains) if weights is None else None
        if apart is not None and apart > APART:
            line |= {"z": apart, "judged": apart, "reason": STUCK}
        yield line if tame else _carried(line)


def _apart(chains: Chains) -> float | None:
    """Disagreement of chains; of complex series that of the part that disagrees more."""
    found = [stats.agreement(part) for part in stats.real_parts({"": chains}).values()]
    return max((z for z in found if z is not None), default=None)


def agreement(opened: MeasuredEnsemble, witness: Mapping[str, Chains]) -> Iterator[Row]:
    """Check that the chains have one distribution; the draws of a weighted one are populations, not a history."""
    for name, chains in witness.items():
        z = None if opened.weighted else stats.agreement(chains)
        if z is not None:
            yield row(AGREEMENT, name, reference=None, z=max(0.0, z))


def charges(opened: MeasuredEnsemble, state: Mapping[str, Chains]) -> Iterator[Row]:
    """Check χ_Q of theories with topological sectors; chains that stay in theirs, by the start's choice, fail."""
    if "charge" not in state:
        return
    volume, expected = opened.lattice.volume, charge_squared(opened)
    square = [charge**2 / volume for charge in state["charge"]]
    line = compared(SECTORS, None, stats.estimate(square)[0], expected / volume)
    if not opened.weighted and frozen(state["charge"], expected):
        line["flags"].append(flags.FROZEN_CHARGE)
        if stuck(state["charge"], expected):
            yield line | {"z": None, "passed": False, "reason": FROZEN}
            return
    if line["reason"] != STILL:
        yield line
    elif expected * sum(map(len, square)) > MISSED or line["value"]:
        yield line | {"z": None, "reason": STUCK}


def energy(opened: MeasuredEnsemble, skip: int, stride: int) -> Iterator[Row]:
    """Check ⟨e^{−ΔH}⟩ = 1, judged by a bounded function of ΔH that is zero when that is one."""
    changes = energy_changes(opened, skip, stride)
    if changes is None:
        return
    shown = stats.estimate([np.exp(-change) for change in changes])[0]
    judged = compared("exp_delta_h", None, energy_balance(changes), 0.0)
    yield judged | {"value": shown.value, "error": shown.error, "reference": 1.0, "flags": list(shown.flags)}


def thermalised(opened: MeasuredEnsemble, witness: Mapping[str, Chains], skip: int, stride: int) -> Iterator[Row]:
    """Check that draws do not remember the start, and that the action did not drift at the end of the warm-up."""
    for name, chains in {**witness, **watched(opened, skip, stride)}.items():
        z = memory_z(chains)
        if z is not None:
            yield row("start_memory", name, reference=None, z=z)
    drift = warmup_drift(opened, witness["action"])
    if drift is not None:
        yield row("warmup_drift", None, value=drift[0], error=drift[1], z=drift[2])


def trusted(opened: MeasuredEnsemble, skip: int, stride: int) -> Iterator[Row]:
    """Check the criteria for correctness of complex Langevin."""
    series = shortened(gather(opened, judged_by(opened)), skip, stride)
    for each in criteria(opened, series, skip, stride):
        facts: Row = {"value": each.value, "error": each.error, "passed": each.passed}
        reason = None if each.passed else f"{flags.FLAGS[each.name]} ({each.words})"
        yield row(CRITERION, each.name, reference=None, reason=reason, **facts)


def reversibility(opened: MeasuredEnsemble) -> Iterator[Row]:
    """Check that trajectories retrace their way, for algorithms that make them."""
    from sqcli.analysis._reversibility import deviation  # compiles kernels

    found = deviation(opened)
    if found is not None:
        yield row("reversibility", None, value=found[0], passed=found[0] <= found[1])
