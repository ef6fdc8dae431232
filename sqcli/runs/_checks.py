"""The checks behind `verify`: each yields rows with a z-score, or with a verdict where there is nothing random.

z-scores know about autocorrelation and count few chains (Student's t as the Gaussian z that is as improbable). Weighted
draws enter with their weights; where a few of them carry it all, nothing can be said.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import registry, stats
from sqcli.observables._base import Observable
from sqcli.runs._chosen import FOLDER, observable
from sqcli.runs._known import known
from sqcli.runs._opened import LOG_WEIGHT, Opened
from sqcli.runs._series import gather
from sqcli.runs._soundness import cut, exp_delta_h, judgeable, memory_z, warmup_drift, watched, z_of
from sqcli.runs.measure import estimates, shortened
from sqcli.stats.flags import LOW_WEIGHT_ESS, NOT_MIXED

Row = dict[str, Any]
Series = Sequence[NDArray[Any]]
BLOCK_BYTES = 8 * 2**20


def row(name: str, component: str | None, *, reference: float | None = 0.0, **facts: Any) -> Row:
    """One line of the report; `passed` is decided later, from all z-scores together, where it is not given."""
    empty: Row = {"value": None, "error": None, "reference": reference, "z": None, "passed": None, "flags": []}
    return {"observable": name, "component": component} | empty | facts


def compared(name: str, component: str | None, estimate: stats.Estimate, reference: float) -> Row:
    """An estimate against a number it must equal."""
    facts = {"value": estimate.value, "error": estimate.error, "flags": list(estimate.flags)}
    return row(name, component, reference=reference, z=z_of(estimate, reference), **facts)


def references(opened: Opened, skip: int, stride: int) -> Iterator[Row]:
    """Exact expectation values of the theory on this lattice, wherever there is an observable for them."""
    exact = known(opened.model.theory, opened.lattice)
    names = [name for name in dict.fromkeys(name for name, _ in exact) if name in registry.names(FOLDER)]
    chosen = {name: instance for name in names if opened.available(instance := observable(name))}
    series = shortened(gather(opened, chosen.values()), skip, stride)
    for name, instance in chosen.items():
        labels = instance.components(opened.lattice) or (None,)
        tame = _tame(opened, skip, stride, instance)
        for label, estimate in zip(labels, estimates(opened, instance, series), strict=True):
            if (name, label) in exact:
                line = compared(name, label, estimate, exact[name, label])
                yield line if tame else line | {"z": None, "flags": [LOW_WEIGHT_ESS, *line["flags"]]}


def residuals(opened: Opened) -> dict[str, list[NDArray[np.float64]]]:
    """Schwinger–Dyson residuals of every draw: name -> per chain (n_i,)."""
    parts: dict[str, list[list[NDArray[np.float64]]]] = {}
    for block in opened.ensemble.blocks(BLOCK_BYTES):
        fields = opened.ensemble.read_block(block).fields
        for name, values in opened.model.theory.identities(fields, opened.lattice).items():
            chains = parts.setdefault(name, [[] for _ in range(opened.ensemble.chains)])
            for chain, new in zip(block.chains, values.reshape(len(block.chains), -1), strict=True):
                chains[chain].append(new)
    return {name: [np.concatenate([np.empty(0), *c]) for c in chains] for name, chains in parts.items()}


def _weights(opened: Opened, skip: int, stride: int) -> list[NDArray[np.float64]] | None:
    if not opened.weighted:
        return None
    return stats.relative_weights(cut(opened.ensemble.stat(LOG_WEIGHT), skip, stride))


def _tame(opened: Opened, skip: int, stride: int, instance: Observable | None = None) -> bool:
    """Whether weighted means are Gaussian far enough out to be judged; log Z is a mean of weights itself."""
    if instance is not None and not instance.reweighted:
        names = [opened.statistic(need) for need in instance.needs if need.endswith(LOG_WEIGHT)]
        found = [stats.relative_weights(cut(opened.ensemble.stat(name), skip, stride)) for name in names if name]
        weights = found[0] if found else None
    else:
        weights = _weights(opened, skip, stride)
    return weights is None or float(np.ptp(np.concatenate(weights))) == 0 or judgeable(weights)


def identities(opened: Opened, residual: Mapping[str, Series], skip: int, stride: int) -> Iterator[Row]:
    """⟨O ∂S/∂φ − ∂O/∂φ⟩ = 0; chains that disagree, each frozen in a state of its own, fail whatever their mean is."""
    weights, tame = _weights(opened, skip, stride), _tame(opened, skip, stride)
    for name, plain in residual.items():
        chains = plain if weights is None else stats.reweighted(plain, weights)
        estimate = stats.estimate(chains)[0]
        line = compared("schwinger_dyson", name, estimate, 0.0)
        if not tame:
            yield line | {"z": None, "flags": [LOW_WEIGHT_ESS, *line["flags"]]}
        else:
            yield line | {"passed": False} if NOT_MIXED in estimate.flags else line


def energy(opened: Opened, skip: int, stride: int) -> Iterator[Row]:
    """⟨e^{−ΔH}⟩ = 1, where its distribution is tame enough to say."""
    series = exp_delta_h(opened, skip, stride)
    if series is None:
        return
    line = compared("exp_delta_h", None, stats.estimate(series)[0], 1.0)
    yield line if judgeable(series) else line | {"z": None}


def thermalised(opened: Opened, residual: Mapping[str, Series], skip: int, stride: int) -> Iterator[Row]:
    """The draws do not remember the start, and the action no longer drifted at the end of the warm-up."""
    for name, chains in {**residual, **watched(opened, skip, stride)}.items():
        z = memory_z(chains)
        if z is not None:
            yield row("start_memory", name, reference=None, z=z)
    drift = warmup_drift(opened)
    if drift is not None:
        yield row("warmup_drift", None, value=drift[0], error=drift[1], z=drift[2])


def reversibility(opened: Opened) -> Iterator[Row]:
    """Trajectories retrace their way, for algorithms that make them."""
    from sqcli.runs._reversal import deviation  # compiles kernels

    found = deviation(opened)
    if found is not None:
        yield row("reversibility", None, value=found[0], passed=found[0] <= found[1])
