"""Throughput of the store against NumPy's own files of the same bytes, by wall clock: waiting for the disk counts."""

import itertools
import os
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sqcli import store

SITE = (32, 32)
CHUNK = 512  # draws of 8 KiB: 4 MiB
COMMITS = 4
READ = 16  # chunks


def layout(chunks: int) -> store.Layout:
    return store.Layout("phi", SITE, ("x", "y"), target_draws=chunks * CHUNK)


def fields(chunks: int) -> Any:
    return np.random.default_rng(1).standard_normal((1, chunks * CHUNK, *SITE))


def in_turns(a: Callable[[], float], b: Callable[[], float], rounds: int) -> tuple[float, float, float]:
    """Medians: of the ratios of neighbouring turns a/b, of a, of b; the first turn is not counted."""
    turns = [(a(), b()) for _ in range(rounds + 1)][1:]
    return (
        statistics.median(x / y for x, y in turns),
        statistics.median(x for x, _ in turns),
        statistics.median(y for _, y in turns),
    )


def clock(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def report(benchmark: Any, what: str, size: int, seconds: tuple[float, float, float], baseline: str) -> None:
    """`seconds` as from `in_turns`, the baseline first: the ratio is that of the throughputs, ours over theirs."""
    ratio, theirs, ours = seconds
    benchmark.extra_info.update(throughput_ratio=ratio, mb_per_s=size / ours / 1e6, baseline=size / theirs / 1e6)
    print(f"{what}: {size / ours / 1e6:.0f} MB/s, {baseline} {size / theirs / 1e6:.0f}, ratio {ratio:.2f}")  # noqa: T201


@pytest.mark.parametrize("chunks", [1, 4])
def test_append(benchmark: Any, tmp_path: Path, chunks: int) -> None:
    """Durable commits of `chunks` chunks; the baseline saves every chunk as a file, synced, and keeps no state."""
    draws, number = fields(chunks), itertools.count()

    def ours() -> float:
        path = store.create(tmp_path / f"{next(number)}", layout(COMMITS * chunks), {})
        with store.Writer(path) as writer:
            seconds = clock(lambda: [writer.commit(draws, {}, draws[:, -1], [b""], 0) for _ in range(COMMITS)])
        shutil.rmtree(path)
        return seconds

    def save(file: Path, chunk: Any) -> None:
        with file.open("wb") as handle:
            np.save(handle, chunk)
            handle.flush()
            os.fsync(handle.fileno())

    def theirs() -> float:
        folder = tmp_path / f"{next(number)}"
        folder.mkdir()
        pieces = np.split(draws[0], chunks)
        seconds = clock(
            lambda: [save(folder / f"{i}-{j}.npy", piece) for i in range(COMMITS) for j, piece in enumerate(pieces)]
        )
        shutil.rmtree(folder)
        return seconds

    size = COMMITS * draws.nbytes
    report(benchmark, f"append, {chunks} chunks a commit", size, in_turns(theirs, ours, 9), "numpy.save + fsync")
    benchmark.pedantic(ours, rounds=1)


@pytest.mark.parametrize("load", ["numpy.load", "numpy.fromfile"])
def test_read(benchmark: Any, tmp_path: Path, load: str) -> None:
    """Chunks of 4 MiB from the page cache; ours are verified against their checksums."""
    draws = fields(READ)
    path = store.create(tmp_path / "ensemble", layout(READ), {}, durable=False)
    with store.Writer(path, durable=False) as writer:
        writer.commit(draws, {}, draws[:, -1], [b""], 0)
    files = [tmp_path / f"{i}.npy" for i in range(READ)]
    for file, piece in zip(files, np.split(draws[0], READ), strict=True):
        np.save(file, piece) if load == "numpy.load" else piece.tofile(file)
    read: Callable[[Path], Any] = np.load if load == "numpy.load" else np.fromfile
    ensemble = store.open_ensemble(path)
    blocks = list(ensemble.blocks(draws.nbytes // READ))
    assert len(blocks) == READ

    def ours() -> float:
        return clock(lambda: [ensemble.read_block(block) for block in blocks])

    def theirs() -> float:
        return clock(lambda: [read(file) for file in files])

    report(benchmark, "read, 4 MiB chunks", draws.nbytes, in_turns(theirs, ours, 15), load)
    benchmark.pedantic(ours, rounds=1)
