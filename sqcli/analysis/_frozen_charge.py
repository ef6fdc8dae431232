"""Frozen topological charge: chains that sit in their sectors, so that the start decided how often each one is seen.

Independent draws with ⟨Q²⟩ = v differ from one another with a probability of about 2v/(1 + 2v); for v the larger of
the exact value and of what the draws show is taken, so that chains count that sit in sectors of hardly any weight, and
so do chains that all sit in Q = 0 although other sectors have weight. A charge is frozen where independent draws would
change at least twenty times from one draw of a chain to the next, not a tenth of these changes is there, and a chain
has fewer than ten on average.

Where all sectors but Q = 0 have next to no weight (β = 12 on 4×4: ⟨Q²⟩ = 1.7e−6) no changes are expected, and none are
missed. In four dimensions no exact value is known, and Q, rounded to integers, is judged by what the draws show: chains
that never leave Q = 0 are not seen. Chains of one draw cannot show that they are frozen.

Loops are touched as well, since at fixed topology their means are off by O(1/V) (hep-lat/0302005).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from sqcli.analysis import flags
from sqcli.analysis._draw_series import DrawSeries
from sqcli.analysis.ensemble import MeasuredEnsemble
from sqcli.analysis.selection import observable, sources
from sqcli.observables import ChargeObservable, Observable
from sqcli.stats import Chains

CHARGE, LINKS = "observables/topological_charge", ("theta", "u")
EXPECTED = 20.0  # changes, of which none come by chance in one of 20 000 right ensembles
SLOW = 10.0  # times fewer changes than those of independent draws
FEW = 10.0  # changes of a chain
STUCK, SEEN = 200.0, 250.0  # times fewer changes, of so many or more, are those of chains that stay where they began
WEIGHT = 0.05  # ⟨Q²⟩ from which other sectors count


class Tunnelling(NamedTuple):
    """Changes of the charge in the draws of all chains, those that independent draws would make, chains, and ⟨Q²⟩."""

    changes: int
    independent: float
    chains: int
    square: float

    @classmethod
    def of(cls, charges: Chains, expected: float) -> "Tunnelling":
        """Count the changes of Q in chains, (n_i,) each, where ⟨Q²⟩ ought to be `expected`."""
        moving = [charge for charge in charges if len(charge) > 1]
        square = max([expected, *([float(np.mean(np.concatenate(moving) ** 2))] if moving else [])])
        independent = sum(len(charge) - 1 for charge in moving) * 2 * square / (1 + 2 * square)
        changes = sum(int(np.count_nonzero(np.diff(charge))) for charge in moving)
        return cls(changes, independent, len(moving), square)


def frozen(charges: Chains, expected: float) -> bool:
    """Whether the charge Q of the draws, (n_i,) per chain, is frozen, where ⟨Q²⟩ ought to be `expected`."""
    found = Tunnelling.of(charges, expected)
    return found.independent >= EXPECTED and found.changes < min(found.independent / SLOW, FEW * found.chains)


def stuck(charges: Chains, expected: float) -> bool:
    """Whether it is frozen so that chains never leave the sectors of their starts, and other sectors have weight."""
    found = Tunnelling.of(charges, expected)
    certain = found.independent >= SEEN and found.changes < found.independent / STUCK
    return certain and found.square >= WEIGHT and frozen(charges, expected)


def charge_flags(opened: MeasuredEnsemble, instance: Observable, series: Mapping[str, DrawSeries]) -> tuple[str, ...]:
    """Flags of an observable that depends on the charge; weighted draws are populations, not a history."""
    if opened.weighted:
        return ()
    if isinstance(instance, ChargeObservable):
        tables = [series[name].chains() for name, _ in sources(instance, opened.theory)]
        charges: Chains = [np.rint(instance.charges(rows)) for rows in zip(*tables, strict=True)]
    elif CHARGE in series and of_links(opened, instance):
        charges = series[CHARGE].chains()
    else:
        return ()
    return (flags.FROZEN_CHARGE,) if frozen(charges, charge_squared(opened)) else ()


def with_charge(opened: MeasuredEnsemble, chosen: Iterable[Observable]) -> list[Observable]:
    """Add the charge in two dimensions to observables of links: their means differ between its sectors, by O(1/V).

    In four dimensions, where the charge takes a gradient flow, only what is made of it is flagged.
    """
    wanted, charge = list(chosen), observable("topological_charge")
    known = opened.lattice.dimension == 2 and not opened.weighted and opened.available(charge)
    return [*wanted, charge] if known and any(of_links(opened, instance) for instance in wanted) else wanted


def of_links(opened: MeasuredEnsemble, instance: Observable) -> bool:
    """Whether an observable is computed from the links of a gauge field, not from what the run recorded."""
    computing = [computes for _, computes in sources(instance, opened.theory) if computes is not None]
    return opened.field in LINKS and any(c.statistic not in opened.ensemble.stat_names for c in computing)


def charge_squared(opened: MeasuredEnsemble) -> float:
    """Exact ⟨Q²⟩ in two dimensions; 0 in others, where none is known and the draws alone have to tell."""
    if opened.lattice.dimension != 2:
        return 0.0
    return float(opened.theory.loaded.charge_squared(opened.lattice))
