"""Layout of an ensemble: its arrays, and how they are cut into chunks.

Chunks of the field are (g, k, *site): g chains that have one owner (usually 1) and k = the power of two of draws that
keeps a chunk within 4 MiB. Thousands of short chains are grouped, else each would cost a file for a few kilobytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from sqcli.errors import SqcliError
from sqcli.store._arrays import Array

CHUNK_BYTES = 4 * 2**20
STATS_CHUNK = 4096
RECORD_FIELDS = ("n_draws", "seq", "slot", "n_warmup", "writer_id", "reserved0", "reserved1", "version")
RECORD_VERSION = 1
_FIELD_DTYPES = ("float32", "float64", "complex64", "complex128")
_STATS_DTYPES = ("int8", "float64")


def power_of_two(limit: int) -> int:
    """Return the largest power of two within [1, limit]; 1 for limits below."""
    return 1 << (max(1, limit).bit_length() - 1)


def default_chain_group(chains: int, draws: int, draw_bytes: int) -> int:
    """Choose how many chains share a chunk: 1, but more for many chains that are far shorter than a chunk.

    At least 16 groups are left, so that as many workers find something to own.
    """
    chain_bytes = max(1, draws * draw_bytes)
    if chains < 64 or chain_bytes > CHUNK_BYTES // 16:
        return 1
    return power_of_two(min(CHUNK_BYTES // chain_bytes, chains // 16))


@dataclass(frozen=True)
class Layout:
    """Shape of an ensemble: `chains` × `target_draws` fields of shape `site`, and numbers per draw.

    Attributes:
        field: name of the array, "phi", "theta", "u", "x", "z".
        site: shape of one draw, (32, 32) or (2, 8, 8).
        site_dims: names of its axes, ("x", "y") or ("mu", "x", "y").
        dtype: of the field and of its checkpoint.
        stats: name -> "int8" or "float64", the per-draw numbers of `sample_stats`.
        chains: number of chains.
        target_draws: draws per chain that are asked for; all are allocated.
        chain_group: chains that share chunks and an owner.
        rng_bytes: room for the state of a chain's random numbers.
    """

    field: str
    site: tuple[int, ...]
    site_dims: tuple[str, ...]
    dtype: str = "float64"
    stats: Mapping[str, str] = dataclass_field(default_factory=lambda: MappingProxyType({}))
    chains: int = 1
    target_draws: int = 0
    chain_group: int = 1
    rng_bytes: int = 1024

    def __post_init__(self) -> None:
        reserved = {"chain", "draw", "slot"}
        unfit = (
            len(self.site) != len(self.site_dims)
            or len({*self.site_dims} | reserved) != len(self.site) + len(reserved)
            or min(self.site, default=1) < 1
            or self.dtype not in _FIELD_DTYPES
            or not all(dtype in _STATS_DTYPES for dtype in self.stats.values())
            or not all(name.isidentifier() for name in (self.field, *self.stats))
            or not 1 <= self.chain_group <= self.chains
            or self.target_draws < 0
        )
        if unfit:
            raise SqcliError(f"no ensemble can have this layout: {self}")

    @property
    def draw_bytes(self) -> int:
        """Bytes of one draw of the field."""
        return prod(self.site) * np.dtype(self.dtype).itemsize

    @property
    def groups(self) -> int:
        """Number of chain groups, each with one owner."""
        return -(-self.chains // self.chain_group)

    @property
    def chunk_draws(self) -> int:
        """Draws in a chunk of the field, for an ensemble created with this layout."""
        return power_of_two(min(CHUNK_BYTES // (self.chain_group * self.draw_bytes), self.target_draws))

    def arrays(self, root: Path) -> dict[str, Array]:
        """Describe every array of a fresh ensemble by its path below `root`."""
        c, n, g = self.chains, self.target_draws, self.chain_group
        k, s = self.chunk_draws, max(1, STATS_CHUNK // g)
        draw, slot = ("chain", "draw"), ("chain", "slot")
        b, r = self.rng_bytes, len(RECORD_FIELDS)

        def array(path: str, shape: tuple[int, ...], chunks: tuple[int, ...], dtype: str, *dims: str) -> Array:
            return Array(root / path, shape, chunks, np.dtype(dtype), dims, attributes.get(path, {}))

        attributes: dict[str, dict[str, Any]] = {"checkpoint/record": {"fields": list(RECORD_FIELDS)}}
        field, site, dims = f"configurations/{self.field}", self.site, self.site_dims
        arrays = {field: array(field, (c, n, *site), (g, k, *site), self.dtype, *draw, *dims)}
        for name, dtype in self.stats.items():
            path = f"sample_stats/{name}"
            arrays[path] = array(path, (c, n), (g, s), dtype, *draw)
        saved = [
            array("checkpoint/field", (c, 2, *site), (g, 1, *site), self.dtype, *slot, *dims),
            array("checkpoint/rng", (c, 2, b), (g, 1, b), "uint8", *slot, "rng_byte"),
            array("checkpoint/record", (c, r), (g, r), "int64", "chain", "record_field"),
        ]
        return arrays | {f"checkpoint/{a.directory.name}": a for a in saved}

    def bytes_needed(self) -> int:
        """Count the bytes on disk once all draws are there, in whole chunks."""
        c, n, g = self.groups, self.target_draws, self.chain_group
        fields = -(-n // self.chunk_draws) * self.chunk_draws * g * self.draw_bytes
        rows = max(1, STATS_CHUNK // g)
        numbers = -(-n // rows) * rows * g * sum(np.dtype(dtype).itemsize for dtype in self.stats.values())
        return c * (fields + numbers + 2 * g * (self.draw_bytes + self.rng_bytes))
