"""Configurations as ILDG stores them: in a LIME file, a record that describes the links, the links, and a checksum.

The checksum is that of SciDAC: CRC-32 of every site's bytes, turned left by the site's rank modulo 29 and modulo 31,
and all of them combined by exclusive or.
"""

import re
import warnings
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import DamageError, SqcliError
from sqcli.runs.importing.formats import _lime, _links

FORMAT, DATA, CHECKSUM = "ildg-format", "ildg-binary-data", "scidac-checksum"
INFO = "scidac-record-xml"  # where codes state plaquette and link trace
MARK = _lime.MAGIC.to_bytes(4, "big")
MOST_TEXT = 2**20
EXTENTS = ("lx", "ly", "lz", "lt")
AVERAGES = {"plaq": "plaquette", "linktr": "link trace"}
SITE = 4 * _links.COLOURS**2 * 2  # real numbers of a site
NAMESPACE = "http://www.lqcd.org/ildg"


def read_links(path: Path, file: IO[bytes], size: int) -> NDArray[Any]:
    """Read the first configuration of a file of `size` bytes, (mu, x, y, z, t, row, column), checked.

    Raises:
        DamageError: lengths, checksums, plaquette or link trace disagree.
        SqcliError: another kind of file.
    """
    records = list(_lime.records(path, file, size))
    if sum(record.name == DATA for record in records) > 1:
        raise SqcliError(f"{path}: holds several configurations; read is one a file")
    found = {record.name: record for record in reversed(records)}
    for name in (FORMAT, DATA):
        if name not in found:
            raise SqcliError(f"{path}: has no record {name}; it is no configuration of ILDG")
    text = {name: _text(path, file, found[name]) for name in (FORMAT, CHECKSUM, INFO) if name in found}
    kind = _tag(text[FORMAT], "field")
    if kind not in ("su3gauge", None):  # old files leave it out; lengths, and the group on import, tell as much
        raise SqcliError(f"{path}: holds {kind}; read is su3gauge")
    extents = tuple(_whole(path, text[FORMAT], name) for name in EXTENTS)
    width = _whole(path, text[FORMAT], "precision") // 8
    expected = prod(extents) * SITE * width
    if width not in (4, 8) or found[DATA].size != expected:
        raise DamageError(f"{path}: damaged, {found[DATA].size} bytes of data where {expected} are stated")
    file.seek(found[DATA].offset)
    data = file.read(expected)
    _require_checksum(path, text.get(CHECKSUM), data, SITE * width)
    numbers = np.frombuffer(data, f">c{2 * width}").reshape(*extents[::-1], 4, _links.COLOURS, _links.COLOURS)
    links = _links.reordered(numbers.astype(numbers.dtype.newbyteorder("=")))
    _links.require_averages(path, links, _averages(path, text.get(INFO, "")))
    return links


def _text(path: Path, file: IO[bytes], record: _lime.LimeRecord) -> str:
    """Read a record of text."""
    if record.size > MOST_TEXT:
        raise DamageError(f"{path}: damaged, the record {record.name} has {record.size} bytes")
    file.seek(record.offset)
    return file.read(record.size).decode("utf-8", errors="replace")


def _tag(text: str, name: str) -> str | None:
    """Return what stands between the tags of an element; None where it is not there."""
    match = re.search(rf"<{name}>\s*([^<]*?)\s*</{name}>", text)
    return match[1] if match else None


def _whole(path: Path, text: str, name: str) -> int:
    value = _tag(text, name) or ""
    if not re.fullmatch(r"[1-9][0-9]{0,5}", value):
        raise DamageError(f"{path}: {name} is {value or 'missing'} in {FORMAT}, not a number that it may be")
    return int(value)


def _averages(path: Path, text: str) -> dict[str, float]:
    try:
        return {name: float(value) for tag, name in AVERAGES.items() if (value := _tag(text, tag))}
    except ValueError:
        raise DamageError(f"{path}: plaq or linktr is no number in {INFO}") from None


def _require_checksum(path: Path, text: str | None, data: bytes, site: int) -> None:
    """Compare the checksum of the data with the stated one; where none is, warn."""
    if text is None:
        warnings.warn(f"{path}: has no checksum; damaged numbers would not be noticed", stacklevel=2)
        return
    stated = [_tag(text, name) or "" for name in ("suma", "sumb")]
    if not all(re.fullmatch(r"(0[xX])?[0-9a-fA-F]{1,8}", each) for each in stated):
        raise DamageError(f"{path}: suma or sumb is no hexadecimal number in {CHECKSUM}")
    if tuple(int(each, 16) for each in stated) != checksums(data, site):
        raise DamageError(f"{path}: checksum does not match, the bytes were altered")


def checksums(data: bytes, site: int) -> tuple[int, int]:
    """Compute both sums of SciDAC for data of `site` bytes a site."""
    view = memoryview(data)
    sums = [0, 0]
    for rank in range(len(data) // site):
        crc = zlib.crc32(view[rank * site : (rank + 1) * site])
        for index, modulus in enumerate((29, 31)):
            sums[index] ^= _turned(crc, rank % modulus)
    return sums[0], sums[1]


def _turned(word: int, bits: int) -> int:
    """Turn a 32-bit word left."""
    return (word << bits | word >> (32 - bits)) & 0xFFFFFFFF


def written(links: NDArray[Any], name: str) -> bytes:
    """Write links (mu, x, y, z, t, row, column) as a file whose logical file name is `name`."""
    width = links.dtype.itemsize // 2
    data = _links.reordered(links).astype(f">c{2 * width}").tobytes()
    extents = "".join(f"<{tag}>{n}</{tag}>" for tag, n in zip(EXTENTS, links.shape[1:5], strict=True))
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    described = (
        f'{head}<ildgFormat xmlns="{NAMESPACE}"><version>1.0</version><field>su3gauge</field>'
        f"<precision>{8 * width}</precision>{extents}</ildgFormat>"
    )
    suma, sumb = checksums(data, SITE * width)
    checked = f"{head}<scidacChecksum><version>1.0</version><suma>{suma:x}</suma><sumb>{sumb:x}</sumb></scidacChecksum>"
    message = [
        (FORMAT, described.encode()),
        (DATA, data),
        ("ildg-data-lfn", name.encode()),
        (CHECKSUM, checked.encode()),
    ]
    return _lime.written([message])
