"""Check of training data: finite, of a size that can be squared, and different from each other."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import SqcliError, Stopped
from sqcli.runs.training.data import DrawSource

LARGEST = 1e100  # largest field: sums of squares stay far from overflow
SMALLEST = 1e-100  # smallest fluctuations: their squares stay far from zero
POLL = 32  # blocks of some megabytes between looks at `stop`
ROUNDING = 1e-12  # relative fluctuations that rounding alone may make


def require_sound(path: Path, sources: Iterable[DrawSource | None], stop: threading.Event) -> None:
    """Read once, and check, every configuration of an ensemble that will be trained on or validated with.

    Args:
        path: path of the ensemble.
        sources: parts of its draws; the first one is trained on.
        stop: event that is polled now and then.

    Raises:
        SqcliError: a draw is not finite or too large, or the field does not fluctuate.
        Stopped: `stop` was set.
    """
    for number, source in enumerate(source for source in sources if source is not None):
        fluctuations = _Fluctuations()
        for count, block in enumerate(source.blocks, 1):
            if count % POLL == 0 and stop.is_set():
                raise Stopped(f"{path}: stopped before the training began; run again to train")
            rows = source.rows(block)
            _require_numbers(path, rows.fields, rows.chain, rows.draw)
            fluctuations.add(_real(rows.fields))
        if number == 0 and (fault := fluctuations.fault()):
            raise SqcliError(f"{path}: {fault}; there is nothing to learn from them")


def _require_numbers(path: Path, fields: NDArray[Any], chain: NDArray[np.int64], draw: NDArray[np.int64]) -> None:
    """Raise SqcliError for the first draw that is not finite or too large."""
    largest = np.abs(fields).reshape(len(fields), -1).max(axis=1)
    wrong = np.flatnonzero(~(largest <= LARGEST))  # NaN compares false
    if len(wrong):
        row = int(wrong[0])
        what = f"reaches {largest[row]:.3g}" if np.isfinite(largest[row]) else "is not finite"
        raise SqcliError(
            f"{path}: the field of draw {draw[row]} of chain {chain[row]} {what}; leave such draws out "
            "(--skip, --max-draws) or generate the ensemble anew"
        )


def _real(fields: NDArray[Any]) -> NDArray[np.float64]:
    """Real numbers of fields; complex ones as real and imaginary parts."""
    if np.iscomplexobj(fields):
        return np.stack([fields.real, fields.imag], axis=-1).astype(np.float64, copy=False)
    return np.asarray(fields, dtype=np.float64)


class _Fluctuations:
    """Differences of configurations (n, *extents), added block by block, from each other and from site to site."""

    def __init__(self) -> None:
        self.count = 0
        self.first: NDArray[np.float64] | None = None
        self.largest = self.between = self.within = 0.0

    def add(self, fields: NDArray[np.float64]) -> None:
        """Take note of more configurations."""
        self.first = fields[0].copy() if self.first is None else self.first
        self.count += len(fields)
        flat = fields.reshape(len(fields), -1)
        self.largest = max(self.largest, float(np.abs(flat).max()))
        self.between = max(self.between, float(np.abs(fields - self.first).max()))
        self.within = max(self.within, float(np.ptp(flat, axis=1).max()))

    def fault(self) -> str | None:
        """Say what is wrong with the configurations; None where nothing is."""
        least = max(SMALLEST, ROUNDING * self.largest)
        if self.count < 2:
            return "only one configuration is left to train on (--validation, --skip, --max-draws)"
        if self.between <= least:
            return f"all {self.count} configurations to train on are the same field"
        if self.first is not None and self.first.size > 1 and self.within <= least:
            return "every configuration is constant over the lattice"
        return None
