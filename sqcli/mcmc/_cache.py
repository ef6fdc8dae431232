"""Small cache of large results, bounded in bytes, which threads may share."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Results used last, up to `limit` bytes of them but at least one."""

    def __init__(self, limit: int, size: Callable[[T], int]) -> None:
        self._limit, self._size = limit, size
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._bytes, self._lock = 0, Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result under `key`, making it where it is not held."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = make()  # two threads may both make it: the results are equal
        with self._lock:
            if key not in self._held:
                self._held[key] = made
                self._bytes += self._size(made)
            while self._bytes > self._limit and len(self._held) > 1:
                self._bytes -= self._size(self._held.popitem(last=False)[1])
        return made
