"""Files of configurations as chains of draws, read in blocks; few are open at a time."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli import registry
from sqcli.errors import SqcliError, UsageError
from sqcli.files import open_regular
from sqcli.runs.importing.axes import AxesReading
from sqcli.runs.importing.formats import Format, Numbers

FORMATS = "runs/importing/formats"
HEAD = 16  # bytes that formats are recognised by
MOST_OPEN = 16
LOG_WEIGHT = "log_weight"  # array beside the configurations, and statistic of the ensemble


@dataclass(frozen=True)
class Source:
    """Array in a file: its format by name, its own name where the file holds several, that of weights beside it."""

    path: Path
    format: str
    dataset: str | None
    weights: str | None = None

    @property
    def loaded(self) -> Format:
        """Format, ready to read."""
        made: Format = registry.load(FORMATS, self.format)()
        return made

    @property
    def beside(self) -> "Source":
        """Weights of the draws, beside them."""
        return replace(self, dataset=self.weights, weights=None)


@dataclass(frozen=True)
class Part:
    """Draws of one file: an array, the type of its numbers and the meaning of its axes."""

    source: Source
    dtype: str
    reading: AxesReading
    chains: int
    draws: int


def find_source(path: Path, dataset: str | None, usual: str) -> Source:
    """Find the array to read in a file: `dataset`, or else the only one or the `usual` one.

    Raises:
        SqcliError: no such file, no format that is known, or no such array.
        UsageError: several arrays, none of them usual, and no `dataset` says which.
    """
    if not path.exists():
        raise SqcliError(f"{path}: no such file")
    head = b""
    if not path.is_dir():
        with open_regular(path) as file:
            head = file.read(HEAD)
    known = registry.names(FORMATS)
    name = next((name for name in known if registry.load(FORMATS, name)().recognises(path, head)), None)
    if name is None:
        raise SqcliError(f"{path}: of no format that is read here; there are: {', '.join(known)}")
    with readable(path):
        names = Source(path, name, None).loaded.names(path)
    chosen = _chosen(path, names, dataset, usual)
    beside = None if chosen is None else str(PurePosixPath(chosen).with_name(LOG_WEIGHT))
    return Source(path, name, chosen, beside if beside in names and beside != chosen else None)


def _chosen(path: Path, names: Sequence[str], dataset: str | None, usual: str) -> str | None:
    if not names and dataset is not None:
        raise UsageError(f"{path}: holds one array, without a name; leave --dataset {dataset} out")
    if dataset is not None and dataset not in names:
        raise SqcliError(f"{path}: holds no array {dataset!r}; there are: {_listed(names)}")
    if dataset is not None or len(names) < 2:
        return dataset if dataset is not None else next(iter(names), None)
    near = [name for name in names if name == usual or name.endswith(f"/{usual}")]
    if len(near) != 1:
        raise UsageError(f"{path}: holds several arrays; say which with --dataset: {_listed(names)}")
    return near[0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "none"


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn whatever a format raises about foreign bytes into one line that names the file."""
    try:
        yield
    except (SqcliError, ImportError, MemoryError):
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise SqcliError(f"{path}: cannot be read ({reason})") from error


class OpenFiles:
    """Arrays that are open, the latest of those that were asked for; a context manager.

    There are at most `MOST_OPEN`, and one where each is a configuration held in memory.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._open: OrderedDict[Source, tuple[ExitStack, Numbers]] = OrderedDict()

    def __enter__(self) -> "OpenFiles":
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._open.popitem()[1][0].close()

    def numbers(self, source: Source) -> Numbers:
        """Return an array, opened where it is not."""
        if source not in self._open:
            while len(self._open) >= (1 if source.loaded.single else MOST_OPEN):
                self._open.popitem(last=False)[1][0].close()
            with ExitStack() as stack, readable(source.path):
                found = stack.enter_context(source.loaded.open(source.path, source.dataset, self._scratch))
                self._open[source] = (stack.pop_all(), found)
        self._open.move_to_end(source)
        return self._open[source][1]

    def read(self, part: Part, chain: int, start: int, stop: int, *, weights: bool = False) -> NDArray[Any]:
        """Read draws of a chain of a part, (n, …), or their log weights."""
        source = part.source.beside if weights else part.source
        numbers = self.numbers(source)
        with readable(source.path):
            if part.reading.leading == 2:
                return np.asarray(numbers[chain, start:stop])
            return np.asarray(numbers[start:stop] if part.reading.leading else numbers[...])
