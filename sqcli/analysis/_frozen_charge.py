"""Frozen topological charge: chains that sit in their sectors, so that the start decided how often each one is seen.

Independent draws with ⟨Q²⟩ = v differ from one another with a probability of about 2v/(1 + 2v); for v the larger of
the exact value and of what the draws show is taken, so that chains count that sit in sectors of hardly any weight, and
so do chains that all sit in Q = 0 although other sectors have weight. A charge is frozen where independent draws would
change at least twenty times from one draw of a chain to the next, not a tenth of these changes is there, and a chain
has fewer than ten on average.

Where all sectors but Q = 0 have next to no weight (β = 12 on 4×4: ⟨Q²⟩ = 1.7e−6) no changes are expected, and none are
missed. Chains of one draw cannot show that they are frozen.
"""

from collections.abc import Mapping

import numpy as np

from sqcli.analysis import flags
from sqcli.analysis._draw_series import DrawSeries
from sqcli.analysis.ensemble import MeasuredEnsemble
from sqcli.observables import Observable
from sqcli.stats import Chains

CHARGE = "observables/topological_charge"
EXPECTED = 20.0  # changes, of which none come by chance in one of 20 000 right ensembles
SLOW = 10.0  # times fewer changes than those of independent draws
FEW = 10.0  # changes of a chain


def frozen(charges: Chains, expected: float) -> bool:
    """Whether the charge Q of the draws, (n_i,) per chain, is frozen, where ⟨Q²⟩ ought to be `expected`."""
    moving = [charge for charge in charges if len(charge) > 1]
    if not moving:
        return False
    square = max(expected, float(np.mean(np.concatenate(moving) ** 2)))
    independent = sum(len(charge) - 1 for charge in moving) * 2 * square / (1 + 2 * square)
    changes = sum(int(np.count_nonzero(np.diff(charge))) for charge in moving)
    return independent >= EXPECTED and changes < min(independent / SLOW, FEW * len(moving))


def charge_flags(opened: MeasuredEnsemble, instance: Observable, series: Mapping[str, DrawSeries]) -> tuple[str, ...]:
    """Flags of an observable that is made of the charge; weighted draws are populations, not a history."""
    if CHARGE not in instance.needs or opened.weighted:
        return ()
    expected = float(opened.theory.loaded.charge_squared(opened.lattice))
    return (flags.FROZEN_CHARGE,) if frozen(series[CHARGE].chains(), expected) else ()
