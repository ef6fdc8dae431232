"""Autocorrelation of observables: ρ(t), τ_int, window, τ_exp, ESS and R̂.

For a function of several means (χ₂, the Binder cumulant) the series analysed is its linearisation along the chains,
Σ_α f_α (a_α − ā_α) with f_α = ∂f/∂A_α (Wolff, hep-lat/0306017, eq. 38): the one that decides the error. So also for
weighted draws: it is (w/w̄)(a − ā) for a mean, so that τ_int is that of the reweighted estimate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sqcli import stats
from sqcli.analysis._equilibrium_flags import ensemble_flags
from sqcli.analysis._frozen_charge import with_charge
from sqcli.analysis.ensemble import MeasuredEnsemble, open_for_measuring
from sqcli.analysis.measure import (
    Gathered,
    Report,
    columns_of,
    labelled,
    left_of,
    primaries,
    series_flags,
    shortened,
    weight_share,
)
from sqcli.analysis.observable_series import gather
from sqcli.analysis.selection import choose
from sqcli.observables import Observable
from sqcli.stats import Chains
from sqcli.stats.means import project


@np.errstate(all="ignore")  # what is not finite is flagged
def autocorr(
    path: str | Path,
    observables: Sequence[str],
    *,
    window: int | Literal["auto"] = "auto",
    s: float = 1.5,
    tau_exp: float | None = None,
    skip: int = 0,
    stride: int = 1,
    options: Mapping[str, Any] | None = None,
) -> Report:
    """Estimate autocorrelations in units of the draws used; `tau_int_trajectories` in updates of the algorithm.

    Args:
        path: the ensemble.
        observables: names.
        window: where the sum over ρ(t) ends.
        s: Wolff's S of the automatic window.
        tau_exp: adds the tail of a slow mode, in draws.
        skip: draws left out at the beginning of each chain.
        stride: every which draw is used.
        options: of the observables, by public name; each takes those that it has.

    Raises:
        UsageError, SqcliError: as `measure`.
    """
    opened = open_for_measuring(path, skip)
    chosen = choose(opened, observables, options or {})
    series = shortened(gather(opened, with_charge(opened, chosen.values())), skip, stride)
    common = ensemble_flags(opened, skip, stride)
    updates = stride * int(opened.ensemble.attrs.get("every", 1))
    rows = []
    for name, instance in chosen.items():
        labels = instance.components(opened.theory) or (None,)
        said, share = (*series_flags(opened, instance, series), *common), weight_share(instance, series)
        for label, chains in zip(labels, _columns(opened, instance, series), strict=True):
            found = stats.autocorrelation(chains, window=window, s=s, tau_exp=tau_exp)
            rows.append(labelled(name, label, instance) | _row(found, updates, said, share))
    return Report(opened.head(), rows)


def _row(found: stats.Autocorrelation, updates: int, common: Sequence[str], share: float) -> dict[str, Any]:
    row = {field.name: getattr(found, field.name) for field in fields(found)} | {"ess": left_of(found.ess, share)}
    trajectories = None if found.tau_int is None else found.tau_int * updates
    said = {"rho": found.rho.tolist(), "rho_error": found.rho_error.tolist(), "tau_int_trajectories": trajectories}
    return row | said | {"flags": list(dict.fromkeys((*found.flags, *common)))}


def _columns(opened: MeasuredEnsemble, instance: Observable, series: Gathered) -> Iterator[Chains]:
    """Series of each component whose mean it is, to first order; per chain (n_i,)."""
    function = instance.function(opened.theory)
    labels = instance.components(opened.theory) or (None,)
    for chains in primaries(opened, instance, series):
        if not any(len(c) for c in chains):
            yield from ([c.reshape(-1) for c in chains] for _ in labels)
            return
        yield from columns_of(chains) if function is None else _linearised(chains, function)


def _linearised(chains: Chains, function: stats.Combine) -> Iterator[Chains]:
    """Linearised series of each component."""
    means = project(chains, function)
    ends = np.cumsum(means.lengths)[:-1]
    count = len(means.value)
    for k in range(count):
        real = np.where(means.constant[k], 0.0, means.series[:, k])
        both = real if means.series.shape[1] == count else real + 1j * means.series[:, count + k]
        yield np.split(both, ends)
