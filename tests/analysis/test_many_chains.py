"""An ensemble of very many short chains: what a measurement costs grows as their number."""

import time

import numpy as np
import pytest

from sqcli import store
from sqcli.analysis.measure import measure

CHAINS = 100_000
PATIENCE = 60  # seconds; a cost that grows as the square takes minutes


@pytest.mark.slow
def test_measuring_a_hundred_thousand_chains(tmp_path):
    group = store.default_chain_group(CHAINS, 1, 8)
    layout = store.Layout("phi", (1,), ("x",), chains=CHAINS, target_draws=1, chain_group=group)
    said = {"theory": "free", "parameters": {"mass2": 0.5}, "lattice": [1], "every": 1, "start": "hot"}
    path = store.create(tmp_path / "e", layout, said, durable=False)
    rng = np.random.default_rng(1)
    for number in range(layout.groups):
        with store.Writer(path, number, durable=False) as writer:
            fields = rng.standard_normal((len(writer.chains), 1, 1))
            writer.commit(fields, {}, fields[:, 0], [b""] * len(fields), 0)
    began = time.monotonic()
    first = measure(path, ["chi2", "abs_magnetization"])
    second = measure(path, ["chi2", "abs_magnetization"])
    assert first.estimates == second.estimates
    assert time.monotonic() - began < PATIENCE
