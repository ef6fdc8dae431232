"""Committed part of one array, indexed like a NumPy array."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.store._arrays import Array


class Committed:
    """Array (chain, draw, …) cut to the draws that every chain has committed; indexing reads and verifies chunks."""

    def __init__(self, array: Array, draws: int) -> None:
        self._array = array
        self.shape = (array.shape[0], draws, *array.shape[2:])
        self.dtype = array.dtype
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Read what NumPy's basic indexing picks; chunks of other chains and draws are left alone."""
        key = key if isinstance(key, tuple) else (key,)
        if Ellipsis in [k for k in key if not isinstance(k, np.ndarray)]:
            at = next(i for i, k in enumerate(key) if k is Ellipsis)
            key = (*key[:at], *(slice(None),) * (self.ndim - len(key) + 1), *key[at + 1 :])
        key = (*key, slice(None), slice(None))
        chains, keep_chains = self._span(key[0], self.shape[0])
        draws, keep_draws = self._span(key[1], self.shape[1])
        rows = self._array.read(chains, draws.start, draws.stop)
        return rows[(keep_chains, keep_draws, *key[2:-2])] if len(key) > 3 else rows[keep_chains, keep_draws]

    @staticmethod
    def _span(key: Any, length: int) -> tuple[range, Any]:
        """Turn an index along one axis into the range to read and an index into what was read."""
        picked = range(length)[key]
        if isinstance(picked, int):
            return range(picked, picked + 1), 0
        if not picked:
            return range(0), slice(None)
        low, high = min(picked), max(picked)
        return range(low, high + 1), slice(None, None, picked.step)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all committed draws, (chain, draw, …)."""
        return np.asarray(self[:], dtype)
