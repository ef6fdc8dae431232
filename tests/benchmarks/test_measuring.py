"""`measure --obs binder` on 10⁵ configurations of 32² as a whole process: the first time, then from stored series."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _process import SQCLI, Cost, cost

from sqcli import store

CHAINS, DRAWS, EXTENT = 4, 25_000, 32
ATTRIBUTES = {"theory": "phi4", "parameters": {"kappa": 0.27, "lambda": 0.022}, "lattice": [EXTENT, EXTENT]}
ROUNDS = 3


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Independent normal fields around a mean; what they mean does not matter to what reading them costs."""
    layout = store.Layout("phi", (EXTENT, EXTENT), ("x", "y"), chains=CHAINS, target_draws=DRAWS)
    path = store.create(tmp_path_factory.mktemp("measure") / "ensemble", layout, ATTRIBUTES, durable=False)
    rng, piece = np.random.default_rng(1), layout.chunk_draws
    noise = rng.standard_normal((piece, EXTENT, EXTENT))
    for chain in range(CHAINS):
        with store.Writer(path, chain, durable=False) as writer:
            for start in range(0, DRAWS, piece):
                n = min(piece, DRAWS - start)
                fields = (noise[:n] + rng.standard_normal((n, 1, 1)))[None]
                writer.commit(fields, {}, fields[:, -1], [b""], 0)
    yield path
    shutil.rmtree(path)


def test_binder(benchmark: Any, ensemble: Path) -> None:
    """Megabytes of configurations per second of wall clock; files are in the page cache."""
    command = [*SQCLI, "measure", str(ensemble), "--obs", "binder"]
    series, size = ensemble / "observables" / "magnetization", CHAINS * DRAWS * EXTENT**2 * 8 / 1e6

    def first() -> Cost:
        shutil.rmtree(series, ignore_errors=True)
        return cost(command)

    firsts = sorted(first() for _ in range(ROUNDS))
    assert series.exists()
    seconds = sorted(cost(command) for _ in range(ROUNDS))
    a, b = firsts[ROUNDS // 2], seconds[ROUNDS // 2]
    benchmark.extra_info.update({f"first_{name}": value for name, value in a._asdict().items()})
    benchmark.extra_info.update({f"second_{name}": value for name, value in b._asdict().items()})
    benchmark.extra_info.update(first_mb_per_s=size / a.wall)
    print(  # noqa: T201
        f"measure binder, {CHAINS * DRAWS} draws of {EXTENT}²: first {size / a.wall:.0f} MB/s, "
        f"{a.wall:.2f} s wall, {a.cpu:.2f} s CPU, {a.peak:.0f} MiB; "
        f"second {b.wall:.2f} s wall, {b.cpu:.2f} s CPU, {b.peak:.0f} MiB"
    )
    benchmark.pedantic(lambda: cost(command), rounds=1)
