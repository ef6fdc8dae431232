"""Measure: estimates with errors, autocorrelation times, and the flags a reader must not miss."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import stats
from sqcli.analysis import flags
from sqcli.analysis._criteria import judged_by, trust_flags
from sqcli.analysis._draw_series import ALL, DrawSeries
from sqcli.analysis._equilibrium_flags import assumption_flags, ensemble_flags
from sqcli.analysis._frozen_charge import charge_flags, with_charge
from sqcli.analysis.ensemble import MeasuredEnsemble, open_for_measuring
from sqcli.analysis.observable_series import WEIGHTS, Progress, gather
from sqcli.analysis.selection import choose, observable, sources
from sqcli.observables import Observable, options_of
from sqcli.stats import Chains

TAU = ("tau_int", "tau_int_error", "ess")
NUMBERS = ("value", "error", *TAU, "error_method", "between_chains_error", "window", "rhat")
MAGNETIZATION = "observables/magnetization"
BATCH_BYTES = 32 * 2**20
Gathered = Mapping[str, DrawSeries]


@dataclass(frozen=True)
class Report:
    """Report of a measurement: `head` names the ensemble, `estimates` has a mapping per observable and component."""

    head: Mapping[str, Any]
    estimates: Sequence[Mapping[str, Any]]

    def envelope(self) -> dict[str, Any]:
        """Mapping that the JSON form shows."""
        return {**self.head, "estimates": [dict(row) for row in self.estimates]}


@np.errstate(all="ignore")  # what is not finite is flagged
def measure(
    path: str | Path,
    observables: Sequence[str],
    *,
    skip: int = 0,
    stride: int = 1,
    options: Mapping[str, Any] | None = None,
    unweighted: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Estimate `observables` from the committed draws of the ensemble at `path`.

    Args:
        path: the ensemble; series are kept in it where it can be written.
        observables: names.
        skip: draws left out at the beginning of each chain.
        stride: every which draw is used.
        options: of the observables, by public name ("axis"); each takes those that it has.
        unweighted: leave the log weights of a weighted ensemble aside: expectation values of what was sampled from.
        progress: called with draws done and in all while configurations are read.

    Raises:
        UsageError: an unknown observable or option, or an observable that does not exist for the ensemble's theory.
        SqcliError: no readable ensemble, no committed draw, damage.
    """
    opened = open_for_measuring(path, skip)
    chosen = choose(opened, observables, options or {})
    wanted = [*with_charge(opened, _with_mean(chosen.values())), *judged_by(opened)]
    series = shortened(gather(opened, wanted, progress), skip, stride)
    common = (*trust_flags(opened, series, skip, stride), *ensemble_flags(opened, skip, stride))
    if unweighted and WEIGHTS in series:
        del series[WEIGHTS]
        common = (flags.UNCORRECTED, *common)
    rows = [row for name, instance in chosen.items() for row in _rows(opened, name, instance, series, common)]
    return Report(opened.head(), rows)


def _with_mean(chosen: Any) -> list[Observable]:
    """Add M where an observable takes ⟨φ⟩ = 0 for granted."""
    wanted = list(chosen)
    return [*wanted, observable("magnetization")] if any(o.odd_moments_vanish for o in wanted) else wanted


def shortened(series: Gathered, skip: int, stride: int) -> dict[str, DrawSeries]:
    """Leave out the draws that are not to be used, of all series."""
    return {need: table.shortened(skip, stride) for need, table in series.items()}


def weights_of(instance: Observable, series: Gathered) -> list[NDArray[np.float64]] | None:
    """Relative weights w/w̄ of the draws, (n_i,) per chain, where `instance` is to be reweighted with them."""
    if not instance.reweighted or WEIGHTS not in series:
        return None
    return stats.relative_weights(series[WEIGHTS].chains())


def weights_behind(instance: Observable, series: Gathered) -> list[NDArray[np.float64]] | None:
    """Relative weights on which the estimate hangs: of the draws, or of the proposals that it averages itself."""
    if instance.weights is None:
        return weights_of(instance, series)
    return stats.relative_weights(series[instance.weights].chains())


def primaries(opened: MeasuredEnsemble, instance: Observable, series: Gathered) -> Iterator[Chains]:
    """Numbers per draw of an observable, one (n_i,) or (n_i, p) array per chain; in batches of components if it can.

    For weighted draws they are such that their plain means are the weighted ones.
    """
    weights = weights_of(instance, series)
    needed = [series[name] for name, _ in sources(instance, opened.theory)]
    labels = instance.components(opened.theory)
    room = BATCH_BYTES // (1 if instance.function(opened.theory) is None else 4)  # functions need copies
    parts = batches(len(labels), needed, room) if instance.separable and labels else [ALL]
    for columns in parts:
        found = instance.joint(list(zip(*(table.chains(columns) for table in needed), strict=True)))
        yield found if weights is None else stats.reweighted(found, weights)


def batches(count: int, tables: Sequence[DrawSeries], room: int) -> Iterator[slice]:
    """Slices of `count` columns, cut so that each batch takes `room` bytes."""
    rows = max(sum(table.done) for table in tables)
    step = max(1, room // (8 * max(1, rows)))
    return (slice(first, min(first + step, count)) for first in range(0, count, step))


def labelled(name: str, component: str | None, instance: Observable) -> dict[str, Any]:
    """Begin a row of a report: observable, component, and the options that are not at their defaults."""
    options = options_of(instance)
    return {"observable": name, "component": component} | ({"options": options} if options else {})


def columns_of(chains: Chains) -> Iterator[Chains]:
    """Columns one by one, each a series of its own, (n_i,) per chain."""
    if chains[0].ndim == 1:
        yield chains
    else:
        yield from ([c[:, k] for c in chains] for k in range(chains[0].shape[1]))


def estimates(opened: MeasuredEnsemble, instance: Observable, series: Gathered) -> list[stats.Estimate]:
    """Estimate every component; means one by one, which saves memory."""
    function = instance.function(opened.theory)
    found: list[stats.Estimate] = []
    for chains in primaries(opened, instance, series):
        if function is None:
            found += [stats.estimate(column)[0] for column in columns_of(chains)]
        else:
            found += stats.estimate(chains, function)
    share, weighted = weight_share(instance, series), weights_of(instance, series) is not None
    return [replace(e, weighted=weighted, ess=left_of(e.ess, share)) for e in found]


def weight_share(instance: Observable, series: Gathered) -> float:
    """Part of the draws that the weights leave (Kish); 1 without weights, NaN where they are no numbers."""
    weights = weights_behind(instance, series)
    return 1.0 if weights is None else stats.kish_ess(weights) / max(1, sum(map(len, weights)))


def left_of(ess: float | None, share: float) -> float | None:
    """Effective size that memory and weights leave together."""
    return None if ess is None or not np.isfinite(share) else ess * share


def _weight_flags(instance: Observable, series: Gathered) -> tuple[str, ...]:
    """Flags of the weights: whether few of the draws carry them."""
    weights = weights_behind(instance, series)
    return (flags.LOW_WEIGHT_ESS,) if weights is not None and stats.carried_by_few(weights) else ()


def series_flags(opened: MeasuredEnsemble, instance: Observable, series: Gathered) -> tuple[str, ...]:
    """Flags of what an estimate is made of: few draws that carry the weight, a charge that hardly changes."""
    return (*_weight_flags(instance, series), *charge_flags(opened, instance, series))


def _mean(opened: MeasuredEnsemble, instance: Observable, series: Gathered) -> Chains | None:
    """Magnetization of the draws, reweighted where they are weighted, for observables that take its mean for zero."""
    if not instance.odd_moments_vanish or MAGNETIZATION not in series:
        return None
    return next(primaries(opened, observable("magnetization"), series))


def _rows(
    opened: MeasuredEnsemble, name: str, instance: Observable, series: Gathered, common: Sequence[str]
) -> Iterator[dict[str, Any]]:
    mean = _mean(opened, instance, series)
    common = (*series_flags(opened, instance, series), *common, *assumption_flags(instance, mean))
    labels = instance.components(opened.theory) or (None,)
    found = estimates(opened, instance, series)
    if len(found) < len(labels):  # nothing left to estimate from
        found = found * len(labels)
    for label, estimate in zip(labels, found, strict=True):
        row = labelled(name, label, instance) | {key: getattr(estimate, key) for key in NUMBERS}
        undefined = (instance.undefined,) if instance.undefined and estimate.value is None else ()
        found_flags = dict.fromkeys((*undefined, *estimate.flags, *common))
        yield row | {"weighted": estimate.weighted, "flags": list(found_flags)}
