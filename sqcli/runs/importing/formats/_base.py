"""Protocol of a format: arrays of numbers in a file, found by name and read in parts."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np


class Numbers(Protocol):
    """Array of numbers that is read where it is indexed, with NumPy's basic indexing."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Type of the numbers, in any byte order."""

    def __getitem__(self, key: Any, /) -> Any:
        """Read a part."""


class Format(Protocol):
    """Format of files that hold arrays; a frozen dataclass without fields.

    Attributes:
        single: whether an array is always one configuration.
    """

    single: ClassVar[bool]

    def recognises(self, path: Path, head: bytes) -> bool:
        """Tell whether a file that begins with the bytes `head`, none where it is a directory, is of this format."""

    def names(self, path: Path) -> tuple[str, ...]:
        """List the arrays in a file; none where the format knows one array without a name."""

    def open(self, path: Path, name: str | None, scratch: Path) -> AbstractContextManager[Numbers]:
        """Open an array, `name` of those listed; a directory `scratch` may hold what has to be unpacked.

        Raises:
            SqcliError: it is damaged, or holds no numbers. Whatever else is raised means that it cannot be read.
        """
