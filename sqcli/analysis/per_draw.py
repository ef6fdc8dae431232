"""Numbers per draw of an observable that is a mean of such numbers: what a history or a histogram shows."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sqcli.analysis.ensemble import open_for_measuring
from sqcli.analysis.measure import columns_of, primaries
from sqcli.analysis.observable_series import WEIGHTS, gather
from sqcli.analysis.selection import choose
from sqcli.errors import UsageError
from sqcli.stats import Chains

LISTED = 12  # components in a message


def per_draw(
    path: str | Path, observable: str, component: str | None = None, *, options: Mapping[str, Any] | None = None
) -> Chains:
    """Compute the numbers of each draw, (n_i,) per chain, without weights: what was drawn.

    Args:
        path: the ensemble.
        observable: its name.
        component: which of its components, where it has several.
        options: of the observable, by public name.

    Raises:
        UsageError: an unknown observable, component or option, or a function of several means.
        SqcliError: no readable ensemble, no committed draw, damage.
    """
    opened = open_for_measuring(path)
    ((name, instance),) = choose(opened, [observable], options or {}).items()
    if instance.function(opened.theory) is not None:
        raise UsageError(f"{name} is no number per draw and has no history; plot kind rho, or magnetization")
    column = column_of(name, component, instance.components(opened.theory) or ())
    series = gather(opened, [instance])
    series.pop(WEIGHTS, None)
    batches = primaries(opened, instance, series)
    return next(islice((chains for batch in batches for chains in columns_of(batch)), column, None))


def column_of(observable: str, component: str | None, labels: Sequence[str]) -> int:
    """Find the column of `component` among the components `labels` of `observable`.

    Raises:
        UsageError: no such component, or none chosen among several.
    """
    if component is None and len(labels) <= 1:
        return 0
    if component is None or component not in labels:
        listed = ", ".join(labels[:LISTED]) + (", …" if len(labels) > LISTED else "")
        raise UsageError(f"{observable} needs one of its components, {observable}[C] with C of: {listed or 'none'}")
    return list(labels).index(component)
