"""Checks of what an ensemble says of itself, with nothing random in them: matrices in the group, recorded actions.

A configuration whose links are no group elements, or a run whose recorded actions are not those of the stated theory
(its parameters were changed afterwards), is wrong however well its expectation values agree.
"""

from collections.abc import Iterator

import numpy as np

from sqcli.analysis._verdicts import Row, row
from sqcli.analysis.ensemble import LOG_WEIGHT, MeasuredEnsemble
from sqcli.observables import LINKS
from sqcli.stats import Chains

BLOCK_BYTES = 8 * 2**20
MOST_LINKS = 2**18  # that are held against the group, spread over all draws
IMPORTED = "imported"
OFF_GROUP = "a link is no element of the group"
OTHER_ACTION = "the run recorded other actions: its parameters or its draws were changed"


def in_group(opened: MeasuredEnsemble) -> Iterator[Row]:
    """Check that matrices are where the manifold is; files of other codes may be rounded to single precision."""
    manifold, layout = opened.theory.loaded.manifold, opened.ensemble.layout
    if layout.field not in LINKS or np.dtype(layout.dtype).kind != "c":
        return
    kept = np.dtype("complex64" if opened.ensemble.attrs.get("algorithm") == IMPORTED else layout.dtype)
    entries, worst = layout.site[-1], 0.0
    draws = int(opened.ensemble.draws.sum())
    step = max(1, draws * int(np.prod(layout.site[:-2])) // MOST_LINKS)
    for block in opened.ensemble.blocks(BLOCK_BYTES):
        fields = opened.ensemble.read_block(block).fields[::step].astype(np.complex128)
        if not np.isfinite(fields).all():
            worst = np.inf
            break
        worst = max(worst, manifold.distance(fields, manifold.project(fields)))
    allowed = entries * max(1e-12, 100 * float(np.finfo(kept).eps))
    yield _certain("in_group", worst, allowed, OFF_GROUP)


def recorded_action(opened: MeasuredEnsemble, action: Chains) -> Iterator[Row]:
    """Check that the run recorded the actions of its draws, (n_i,) per chain, up to the rounding of the fields.

    Draws of weight zero stand for what a sampler could not make.
    """
    if "action" not in opened.ensemble.stat_names:
        return
    rounding = float(np.finfo(opened.ensemble.layout.dtype).eps) ** 0.5
    recorded, computed = (np.concatenate(list(chains)) for chains in (opened.ensemble.stat("action"), action))
    known = np.isfinite(recorded)
    if LOG_WEIGHT in opened.ensemble.stat_names:
        known &= np.isfinite(np.concatenate(list(opened.ensemble.stat(LOG_WEIGHT))))
    if known.any():
        off = np.abs(recorded - computed)[known].max() / max(1.0, np.abs(computed[known]).max())
        yield _certain("recorded_action", float(off), rounding, OTHER_ACTION)


def _certain(name: str, value: float, allowed: float, fault: str) -> Row:
    """Make a row of a number that must be within rounding, and is not by chance."""
    passed = value <= allowed
    return row(name, None, value=value, reference=None, passed=passed, reason=None if passed else fault)
