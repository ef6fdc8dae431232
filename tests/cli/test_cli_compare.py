"""The command `compare` on a free field whose model was trained for one epoch: its table, its forms, its errors."""

import csv
import io
import json
import math

import pytest
from statistical import estimate, reported

from sqcli.cli._main import run

ROWS = ["hmc", "fahmc", "wolff", "smc", "path", "ode", "maala", "dpm", "sde"]
SMALL = ["--seconds", "0.1", "--workers", "1", "--device", "cpu"]
SHORT = ["-a", "ode.n_steps=18", "-a", "sde.n_steps=40", "-a", "maala.n_steps=5", "-a", "maala.n_adjusted=20"]
NUMBERS = {
    "draws", "seconds", "draws_per_second", "acceptance", "tau_int", "tau_int_error", "weight_ess", "ess_per_second",
    "setup_seconds", "ess_per_second_all", "log_z", "log_z_error", "value", "error", "deviation",
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A spectral net on 2 x 256 draws of the free field on 4x4, m² = 0.5."""
    folder = tmp_path_factory.mktemp("compare")
    made = f"generate {folder}/data --theory free -p mass2=0.5 --lattice 4x4 --algorithm hmc --chains 2 --draws 256 "
    assert run(f"{made} --warmup 200 --seed 1 --workers 1 --quiet".split()) == 0
    trained = f"train {folder}/data --out {folder}/m --net spectral -a channels=4 -a blocks=1 --schedule geometric "
    assert run(f"{trained} --epochs 1 --seed 1 --device cpu --quiet".split()) == 0
    return folder / "m"


def test_every_row_is_there_and_exact_ones_agree_with_the_exact_value(sq, model, judge):
    """|M| and log Z of exact and weighted rows are those of the free field."""

    def sample(seed, size):
        # a run of seconds, not of draws: the second sample takes four times as long
        line = ["compare", model, "--seconds", 0.1 * size, *SMALL[2:], *SHORT, "--seed", seed % 2**32]
        result = sq(*line, "--format", "json")
        assert result.code == 0, result.err
        found = json.loads(result.out)
        assert [row["method"] for row in found["rows"]] == ROWS
        assert found["notes"] == []
        assert (found["observable"], found["lattice"], found["theory"]) == ("abs_magnetization", [4, 4], "free")
        assert (found["configurations"], found["workers"]) == (10000, 1)
        assert found["known"] == pytest.approx((2 / (0.5 * 16) / math.pi) ** 0.5)  # M ~ N(0, 1/(V m²))
        assert min(found["training_seconds"], found["data_seconds"]) > 0
        mean = estimate(found["mean"]["value"], found["mean"]["error"], found["known"], dof=20)
        for row in found["rows"]:
            check(row, found)
        return {"mean": mean} | {f"{row['method']} {n}": m for row in found["rows"] for n, m in judged(row, found)}

    judge.check(sample)


def judged(row, found):
    """What is known of a row; on a busy machine there may be too few draws for an error."""
    if row["flags"]:
        return
    if row["exactness"] in ("exact", "weighted"):
        yield "value", reported(row, found["known"], dof=20)
        yield "deviation", estimate(row["deviation"], 1.0, 0.0, dof=20)
    if row["log_z"] is not None:  # ½ Σ_k log 2πG(k), see test_known
        yield "log z", estimate(row["log_z"], row["log_z_error"], 3.891139032, dof=20, tolerance=1e-8)


def check(row, found):
    assert set(row) == NUMBERS | {"method", "exactness", "flags"}
    exact = row["exactness"] in ("exact", "weighted")
    assert exact == (row["method"] in ("hmc", "fahmc", "wolff", "smc", "path", "ode"))
    assert (row["weight_ess"] is not None) == (row["method"] in ("smc", "ode"))
    assert row["draws_per_second"] == pytest.approx(row["draws"] / row["seconds"])
    count, setup = found["configurations"], row["setup_seconds"]
    if row["ess_per_second"] is None:
        assert row["flags"]
    else:
        assert row["ess_per_second_all"] == pytest.approx(count / (setup + count / row["ess_per_second"]))
    if row["method"] in ("path", "ode", "maala", "dpm", "sde"):
        assert setup >= found["training_seconds"] + found["data_seconds"]
    assert (row["log_z"] is not None) == (row["method"] in ("smc", "path", "ode"))


def test_forms_and_kept_ensembles(sq, model, tmp_path):
    line = ["compare", model, "--method", "path", "--algorithm", "hmc", *SMALL, "--seed", 4]
    table = sq(*line, "--out", tmp_path / "kept")
    assert table.code == 0, table.err
    head, *rows = table.out.splitlines()
    for name in ("τ_int", "weight ESS", "ESS/s, all", "set-up s", "log Z", "abs_magnetization", "σ"):
        assert name in head
    assert [row.split()[0] for row in rows[:2]] == ["hmc", "path"]
    assert rows[2].startswith("mean of the exact rows: ")
    assert rows[3].startswith("exactly: 0.2820947")
    assert len(rows) == 4
    assert sq("verify", tmp_path / "kept" / "path").code == 0
    again = sq(*line, "--out", tmp_path / "kept")
    assert again.code == 1
    assert "there is something already" in again.err
    lines = list(csv.DictReader(io.StringIO(sq(*line[:2], "--algorithm", "hmc", *SMALL, "--format", "csv").out)))
    assert [line["method"] for line in lines] == ["hmc"]
    assert lines[0]["deviation"] == ""  # nothing to compare with
    assert float(lines[0]["draws_per_second"]) > 0


def test_another_lattice_and_other_parameters(sq, model, judge):
    line = ["--method", "path", *SMALL[2:], "-p", "mass2=0.6", "--lattice", "4x6", "--obs", "field_squared"]
    known = ([4, 6], {"mass2": 0.6}, "field_squared")

    def sample(seed, size):
        timed = ["--seconds", 0.1 * size, "--seed", seed % 2**32, "--format", "json"]
        found = json.loads(sq("compare", model, *line, *timed).out)
        assert (found["lattice"], found["parameters"], found["observable"]) == known
        (row,) = found["rows"]
        return reported(row, found["known"], dof=20)

    judge.check(sample)


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("nothing", 1, "nothing"),
        ("MODEL --method euler", 2, "no sampler 'euler'"),
        ("MODEL --algorithm euler", 2, "'euler'"),
        ("MODEL --obs correlator", 2, "one expectation value"),
        ("MODEL --obs plaquette", 2, "one expectation value"),
        ("MODEL --obs acceptance", 2, "one expectation value"),
        ("MODEL -a n_steps=3", 2, "-a takes ROW.NAME=VALUE"),
        ("MODEL -a unet.n_steps=3", 2, "-a takes ROW.NAME=VALUE"),
        ("MODEL --method path -a path.stride=3", 2, "stride"),
        ("MODEL -p kappa=0.2", 2, "kappa"),
        ("MODEL --lattice 4x4x4", 2, "dimension"),
        ("MODEL --seconds 0", 2, "above 0"),
        ("MODEL --format yaml", 2, "not one of table, json, csv"),
    ],
)
def test_errors_are_one_line(sq, model, line, code, says):
    result = sq("compare", *line.replace("MODEL", str(model)).split())
    assert (result.code, result.out) == (code, "")
    assert says in result.err
    assert len(result.err.strip().splitlines()) == code  # wrong usage is told below the usage
