"""Writer of a chain group, its one owner; a commit is a single atomic replacement.

Order of a commit: field and statistics of the new draws, state and random numbers into the idle checkpoint slot, all
synced; then the commit record, which names the new length and slot. Killed before that, nothing has happened.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from secrets import randbits
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import BusyError, DamageError, SqcliError
from sqcli.files import Content, explained, replace_files, resolved
from sqcli.store._arrays import Array
from sqcli.store._documents import CHECKSUM, ROOT_GROWS
from sqcli.store._growing import grow_to_target
from sqcli.store._layout import RECORD_VERSION
from sqcli.store._locks import Lock
from sqcli.store._reading import Ensemble
from sqcli.store._records import (
    N_DRAWS,
    N_WARMUP,
    SEQ,
    SLOT,
    VERSION,
    WRITER_ID,
    allocated_draws,
    decode_state,
    encode_state,
    group_chains,
    read_group_record,
)
from sqcli.store._root import read_arrays, read_root
from sqcli.store._tails import Tail


class Writer:
    """Owner of one chain group of g chains, a context manager.

    Args:
        ensemble: an ensemble or its path.
        group: which chain group, 0 … layout.groups − 1.
        durable: sync every commit to the disk; without, a power cut may cost more than the last commit.

    Raises:
        BusyError: another process or thread owns the group (names it), or replaced the ensemble since it was opened.
        ReadOnlyError: the ensemble cannot be written.
    """

    def __init__(self, ensemble: Ensemble | str | Path, group: int = 0, *, durable: bool = True) -> None:
        self._path = ensemble.path if isinstance(ensemble, Ensemble) else resolved(Path(ensemble))
        self._opened = _lasting(ensemble.attrs) if isinstance(ensemble, Ensemble) else None
        self._group = group
        self._durable = durable
        self._stack = ExitStack()

    def __enter__(self) -> "Writer":
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def _open(self, stack: ExitStack) -> None:
        layout, _ = read_arrays(self._path, read_root(self._path))
        if not 0 <= self._group < layout.groups:
            raise IndexError(f"chain group {self._group} of {layout.groups}")
        self.chains = group_chains(layout, self._group)
        what = f"chain {self.chains.start}"
        if len(self.chains) > 1:
            what = f"chains {self.chains.start} to {self.chains.stop - 1}"
        self._lock = stack.enter_context(Lock(self._path, f"group-{self._group:05d}", what))
        attributes = read_root(self._path)
        if self._opened not in (None, _lasting(attributes)):
            raise BusyError(f"{self._path}: was replaced by another run since it was opened; run again")
        self.layout, self._arrays = read_arrays(self._path, attributes)
        while allocated_draws(self._arrays) < self.layout.target_draws:
            grow_to_target(self._path, durable=self._durable)
            self.layout, self._arrays = read_arrays(self._path, read_root(self._path))
        self._record = read_group_record(self.layout, self._arrays, self._group)
        data = [name for name in self._arrays if not name.startswith("checkpoint/")]
        self._tails = {name: Tail.load(self._arrays[name], self._group, self.draws) for name in data}
        self._claim()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def path(self) -> Path:
        """Directory of the ensemble."""
        return self._path

    @property
    def draws(self) -> int:
        """Committed draws of each chain of the group."""
        return int(self._record[N_DRAWS])

    @property
    def warmup(self) -> int:
        """Warm-up updates committed."""
        return int(self._record[N_WARMUP])

    @property
    def checkpoint(self) -> tuple[NDArray[Any], list[bytes]] | None:
        """State after the last commit: fields (g, *site) and g random number states; None before the first."""
        if self._record[SEQ] == 0:
            return None
        return read_checkpoint(self._arrays, self._group, int(self._record[SLOT]), len(self.chains))

    def commit(
        self,
        draws: NDArray[Any],
        stats: Mapping[str, NDArray[Any]],
        fields: NDArray[Any],
        states: Sequence[bytes],
        warmup: int,
    ) -> None:
        """Append n ≥ 0 draws to every chain of the group and replace the checkpoint, all or nothing.

        Args:
            draws: (g, n, *site).
            stats: every statistic of the layout, each (g, n).
            fields: (g, *site), where the chains stand.
            states: g random number states, each at most `layout.rng_bytes` − 4 bytes.
            warmup: warm-up updates behind each chain.

        Raises:
            SqcliError: disk full or the like; nothing committed is lost.
            BusyError: another writer has taken the group (a file system without working locks).
        """
        n = self._check_lengths(draws, stats, fields, states)
        values = {f"sample_stats/{name}": stats[name] for name in self.layout.stats}
        values[f"configurations/{self.layout.field}"] = draws
        contents: list[Content] = []
        tails = {}
        for name, tail in self._tails.items():
            tails[name], chunks = tail.appended(self.draws, np.asarray(values[name]))
            contents += [self._arrays[name].content(self._group, column, chunk) for column, chunk in chunks]
        slot = 1 - int(self._record[SLOT])
        contents += self._checkpoint_contents(slot, fields, states)
        record = self._record.copy()
        record[[N_DRAWS, SEQ, SLOT, N_WARMUP]] = self.draws + n, record[SEQ] + 1, slot, warmup
        self._lock.require_held()
        self._require_ownership()
        self._publish(contents, record)
        self._tails = tails

    def _check_lengths(
        self, draws: NDArray[Any], stats: Mapping[str, NDArray[Any]], fields: NDArray[Any], states: Sequence[bytes]
    ) -> int:
        g, site = len(self.chains), self.layout.site
        n = draws.shape[1] if draws.ndim > 1 else -1
        if draws.shape != (g, n, *site) or fields.shape != (g, *site) or len(states) != g:
            raise ValueError(f"draws {draws.shape}, fields {fields.shape}, {len(states)} states for g={g}, site={site}")
        if set(stats) != set(self.layout.stats) or any(np.shape(values) != (g, n) for values in stats.values()):
            raise ValueError(f"stats must be {sorted(self.layout.stats)}, each of shape {(g, n)}")
        if self.draws + n > allocated_draws(self._arrays):
            room = allocated_draws(self._arrays)
            raise SqcliError(f"{self._path}: {self.draws} + {n} draws do not fit into the {room} allocated; extend it")
        return n

    def _checkpoint_contents(self, slot: int, fields: NDArray[Any], states: Sequence[bytes]) -> list[Content]:
        field, rng = self._arrays["checkpoint/field"], self._arrays["checkpoint/rng"]
        field_chunk, rng_chunk = field.empty_chunk(), rng.empty_chunk()
        field_chunk[: len(fields), 0] = fields
        for row, state in enumerate(states):
            rng_chunk[row, 0] = encode_state(state, self.layout.rng_bytes)
        return [field.content(self._group, slot, field_chunk), rng.content(self._group, slot, rng_chunk)]

    def _claim(self) -> None:
        """Sign the record, so that an owner whose lock did not hold notices before it writes."""
        record = self._record.copy()
        record[[WRITER_ID, VERSION]] = randbits(62), RECORD_VERSION
        self._publish([], record)

    def _require_ownership(self) -> None:
        if not np.array_equal(read_group_record(self.layout, self._arrays, self._group), self._record):
            chain = self.chains.start
            raise BusyError(f"{self._path}: another writer took chain {chain}; locks do not hold on this file system")

    def _publish(self, contents: Sequence[Content], record: NDArray[np.int64]) -> None:
        """Write data and checkpoint, and once they are safe the record: the commit point."""
        array = self._arrays["checkpoint/record"]
        chunk = array.empty_chunk()
        chunk[: len(self.chains)] = record
        with explained(self._path):
            replace_files(contents, [array.content(self._group, 0, chunk)], root=self._path, durable=self._durable)
        self._record = record


def _lasting(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the root attributes that stay the same for an ensemble's whole life."""
    return {key: value for key, value in attributes.items() if key not in (CHECKSUM, *ROOT_GROWS)}


def read_checkpoint(
    arrays: Mapping[str, Array], group: int, slot: int, chains: int
) -> tuple[NDArray[Any], list[bytes]]:
    """Read the state in a checkpoint slot: fields (chains, *site) and as many random number states."""
    fields = arrays["checkpoint/field"].read_chunk(group, slot)[:chains, 0]
    rng = arrays["checkpoint/rng"]
    try:
        states = [decode_state(row) for row in rng.read_chunk(group, slot)[:chains, 0]]
    except ValueError as error:
        raise DamageError(f"{rng.chunk_file(group, slot)}: random number state of impossible length") from error
    return np.array(fields), states
