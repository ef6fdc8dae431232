"""Configurations in the archive format of NERSC: lines of text, then links of 4D SU(3), two rows or three of each.

The checksum is the sum of the data's 32-bit words modulo 2³²; the header states plaquette and link trace as well.
"""

import re
import warnings
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import DamageError, SqcliError
from sqcli.runs.importing.formats import _links

BEGIN, END = b"BEGIN_HEADER", b"END_HEADER\n"
MOST_HEADER = 65536
ROWS = {"4D_SU3_GAUGE": 2, "4D_SU3_GAUGE_3x3": 3}
ORDERS = {"IEEE32BIG": (">",), "IEEE64BIG": (">",), "IEEE32LITTLE": ("<",), "IEEE64LITTLE": ("<",)}
UNSAID = ("<", ">")  # orders that are tried, by the checksum, where FLOATING_POINT names none
AVERAGES = {"PLAQUETTE": "plaquette", "LINK_TRACE": "link trace"}
LINE = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*")


@dataclass(frozen=True)
class NerscHeader:
    """Header of a file: its entries as they are written, and the bytes before the data."""

    path: Path
    entries: dict[str, str]
    offset: int

    @property
    def extents(self) -> tuple[int, ...]:
        """Extents along x, y, z, t."""
        return tuple(self._whole(f"DIMENSION_{axis}") for axis in (1, 2, 3, 4))

    @property
    def rows(self) -> int:
        """Rows of a matrix that are stored."""
        kind = self.entries.get("DATATYPE", "")
        if kind not in ROWS:
            raise SqcliError(f"{self.path}: DATATYPE is {kind or 'missing'}; read are {', '.join(ROWS)}")
        return ROWS[kind]

    @property
    def width(self) -> int:
        """Bytes of a real number."""
        name = self.entries.get("FLOATING_POINT", "")
        if not re.fullmatch(r"IEEE(32|64)(BIG|LITTLE)?", name):
            raise SqcliError(f"{self.path}: FLOATING_POINT is {name or 'missing'}; read are {', '.join(ORDERS)}")
        return int(name[4:6]) // 8

    @property
    def data_bytes(self) -> int:
        """Bytes of the data."""
        return prod(self.extents) * 4 * self.rows * _links.COLOURS * 2 * self.width

    def averages(self) -> dict[str, float]:
        """Return plaquette and link trace, those of them that are stated."""
        try:
            return {name: float(self.entries[key]) for key, name in AVERAGES.items() if key in self.entries}
        except ValueError:
            raise DamageError(f"{self.path}: PLAQUETTE or LINK_TRACE is no number") from None

    def _whole(self, key: str) -> int:
        text = self.entries.get(key, "")
        if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
            raise DamageError(f"{self.path}: {key} is {text or 'missing'}, not a number of sites")
        return int(text)

    def checksum(self) -> int | None:
        """Return the checksum, stated in hexadecimal digits; None where there is none."""
        text = self.entries.get("CHECKSUM")
        if text is not None and not re.fullmatch(r"(0[xX])?[0-9a-fA-F]{1,8}", text):
            raise DamageError(f"{self.path}: CHECKSUM is {text}, not eight hexadecimal digits")
        return None if text is None else int(text, 16)


def read_header(path: Path, file: IO[bytes]) -> NerscHeader:
    """Read the header of a file from its beginning."""
    head = file.read(MOST_HEADER)
    end = head.find(END)
    if not head.startswith(BEGIN) or end < 0:
        raise DamageError(f"{path}: its header has no end, or no beginning")
    lines = head[:end].decode("ascii", errors="replace").splitlines()
    entries = {match[1]: match[2] for line in lines if (match := LINE.fullmatch(line))}
    return NerscHeader(path, entries, end + len(END))


def read_links(path: Path, file: IO[bytes], size: int) -> NDArray[Any]:
    """Read the links of a file of `size` bytes, (mu, x, y, z, t, row, column), checked against all that it states.

    Raises:
        DamageError: lengths, checksum, plaquette or link trace disagree.
        SqcliError: another kind of file.
    """
    header = read_header(path, file)
    if size - header.offset != header.data_bytes:
        raise DamageError(f"{path}: damaged, {size - header.offset} bytes of data where {header.data_bytes} are stated")
    file.seek(header.offset)
    data = file.read(header.data_bytes)
    order = _byte_order(header, data)
    x, y, z, t = header.extents
    numbers = np.frombuffer(data, f"{order}c{2 * header.width}").reshape(t, z, y, x, 4, header.rows, _links.COLOURS)
    links = numbers.astype(numbers.dtype.newbyteorder("="))
    links = _links.reordered(_links.with_third_row(links) if header.rows == 2 else links)
    _links.require_averages(path, links, header.averages())
    return links


def _byte_order(header: NerscHeader, data: bytes) -> str:
    """Find the byte order that the header states, or that its checksum fits; DamageError where none does."""
    orders = ORDERS.get(header.entries["FLOATING_POINT"], UNSAID)
    stated = header.checksum()
    if stated is None:
        warnings.warn(f"{header.path}: has no checksum; damaged numbers would not be noticed", stacklevel=2)
        return orders[0]
    fitting = [order for order in orders if checksum(data, order) == stated]
    if not fitting:
        raise DamageError(f"{header.path}: checksum does not match, the bytes were altered")
    return fitting[0]


def checksum(data: bytes, order: str) -> int:
    """Compute the sum of 32-bit words in a byte order, modulo 2³²."""
    return int(np.frombuffer(data, f"{order}u4").sum(dtype=np.uint64)) % 2**32


def written(links: NDArray[Any], entries: dict[str, str]) -> bytes:
    """Write links (mu, x, y, z, t, row, column) as a file, big endian and whole matrices; `entries` go along."""
    width = links.dtype.itemsize // 2
    data = _links.reordered(links).astype(f">c{2 * width}").tobytes()
    stated = {
        "HDR_VERSION": "1.0",
        "DATATYPE": "4D_SU3_GAUGE_3x3",
        "STORAGE_FORMAT": "1.0",
        **{f"DIMENSION_{axis}": str(links.shape[axis]) for axis in (1, 2, 3, 4)},
        "LINK_TRACE": f"{_links.link_trace(links):.15g}",
        "PLAQUETTE": f"{_links.plaquette(links):.15g}",
        **{f"BOUNDARY_{axis}": "PERIODIC" for axis in (1, 2, 3, 4)},
        "CHECKSUM": f"{checksum(data, '>'):x}",
        **entries,
        "FLOATING_POINT": f"IEEE{8 * width}BIG",
    }
    lines = "".join(f"{name} = {value}\n" for name, value in stated.items())
    return BEGIN + b"\n" + lines.encode() + END + data
