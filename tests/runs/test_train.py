"""Training: the end does not depend on how often it was stopped or killed, nor on how the data were read."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn import free_fields, write
from safetensors.torch import load_file

from sqcli.diffusion.models.model import Model
from sqcli.diffusion.training import _batches
from sqcli.diffusion.training._batches import Batches, Dataset
from sqcli.errors import BusyError, SqcliError, Stopped, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.runs.generation.spec import Start
from sqcli.runs.train import TrainRequest, train
from sqcli.runs.training import data as training_data
from sqcli.runs.training.data import Origin
from sqcli.theories.double_well import DoubleWell
from sqcli.theories.free import Free

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def ensemble(tmp_path):
    return write(tmp_path / "e", free_fields((4, 4), 0.5, 4, 50, 1), seed=1)


def request_for(path, *ensembles, **options):
    given = {"net": "mlp", "schedule": "ve", "objective": "dsm", "parameters": {"width": 8}} | options
    given = {"epochs": 3, "batch_size": 16, "seed": 5} | given
    return TrainRequest.of(path, ensembles, **given)


def run(request, stop=None):
    """Moments that were told."""
    told = []
    train(request, stop or threading.Event(), told.append)
    return told


def weights(path):
    return load_file(path / "weights.safetensors")


def equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def stopping(after):
    """An event that is set once it was asked so many times."""
    event = threading.Event()
    asked = 0

    def is_set():
        nonlocal asked
        asked += 1
        return asked > after

    event.is_set = is_set
    return event


@pytest.mark.parametrize("net", ["mlp", "spectral"])
def test_a_run_in_pieces_ends_as_the_whole_one(tmp_path, ensemble, net):
    options = {"net": net, "parameters": {"width": 8} if net == "mlp" else {"channels": 2, "blocks": 1}, "patience": 2}
    run(request_for(tmp_path / "whole", ensemble, **options))
    pieces = request_for(tmp_path / "pieces", ensemble, **options)
    for after in (0, 3, 12, 1):
        with pytest.raises(Stopped, match="run again"):
            run(pieces, stopping(after))
        with pytest.raises(SqcliError, match="not finished"):
            Model.load(tmp_path / "pieces")
    run(pieces)
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "pieces"))
    metrics = [(tmp_path / name / "metrics.csv").read_text().splitlines() for name in ("whole", "pieces")]
    without_clock = [[line.split(",")[:2] + line.split(",")[3:] for line in lines] for lines in metrics]
    assert without_clock[0] == without_clock[1]
    assert len(metrics[0]) == 1 + 3


COMMAND = "--net mlp -a width=8 --batch-size 16 --seed 5 --checkpoint-every 0 --quiet"


def start(path, ensemble, *options):
    command = [sys.executable, "-m", "sqcli", "train", str(ensemble), "--out", str(path), *COMMAND.split(), *options]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)


def finish(process):
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


def wait_for(condition, process):
    end = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)


def test_kill_9_and_sigterm(tmp_path, ensemble):
    """SIGKILL whenever checkpoints are being written all the time; SIGTERM ends with 75; the weights are the same."""
    small = ("--epochs", "20")
    assert finish(start(tmp_path / "whole", ensemble, *small)) == (0, "")
    state = tmp_path / "killed" / "training" / "state.safetensors"
    process = start(tmp_path / "killed", ensemble, *small)
    wait_for(state.exists, process)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    assert finish(process)[0] == -signal.SIGKILL
    before = state.stat().st_mtime_ns
    process = start(tmp_path / "killed", ensemble, *small)
    wait_for(lambda: state.stat().st_mtime_ns != before, process)
    process.send_signal(signal.SIGTERM)
    code, errors = finish(process)
    assert code == 75, errors
    assert finish(start(tmp_path / "killed", ensemble, *small))[0] == 0
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


def test_a_finished_model_is_left_alone(tmp_path, ensemble):
    request = request_for(tmp_path / "m", ensemble)
    assert run(request)
    before = {
        file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (tmp_path / "m").rglob("*") if file.is_file()
    }
    assert run(request) == []
    assert run(TrainRequest.of(tmp_path / "m", [ensemble])) == []
    after = {
        file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (tmp_path / "m").rglob("*") if file.is_file()
    }
    assert before == after


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"epochs": 4}, "--epochs is 3 there, not 4"),
        ({"seed": 6}, "--seed is 5 there, not 6"),
        ({"net": "ncsnpp", "parameters": {}}, "--net is mlp there, not ncsnpp"),
        ({"parameters": {"width": 9}}, "width is 8 there, not 9"),
        ({"parameters": {"schedule.sigma": 10}}, "schedule.sigma is 25.0 there, not 10.0"),
        ({"learning_rate": 0.1}, "--learning-rate is 0.001 there, not 0.1"),
        ({"skip": 1}, "--skip is 0 there, not 1"),
        ({"max_draws": 7}, "--max-draws is 50 there, not 7"),
        ({"augment": False}, "--augment is True there, not False"),
    ],
)
def test_another_training_at_the_same_place(tmp_path, ensemble, change, told):
    given = {"epochs": 3, "batch_size": 180}
    run(request_for(tmp_path / "m", ensemble, **given))
    other = request_for(tmp_path / "m", ensemble, **given | change)
    with pytest.raises(SqcliError, match=told) as caught:
        run(other)
    assert "--force" in str(caught.value)
    assert "\n" not in str(caught.value)
    if change == {"seed": 6}:
        old = weights(tmp_path / "m")
        run(replace(other, force=True))
        assert not equal(old, weights(tmp_path / "m"))


def test_another_ensemble_or_a_busy_model_or_no_model(tmp_path, ensemble):
    other = write(tmp_path / "o", free_fields((4, 4), 0.5, 4, 50, 2), seed=2)
    request = request_for(tmp_path / "m", ensemble, epochs=1)
    with pytest.raises(Stopped):
        run(request, stopping(0))
    with pytest.raises(SqcliError, match=r"the ensemble .*/o is [0-9a-f]{12} there, not [0-9a-f]{12}"):
        run(replace(request, ensembles=[other]))
    import fcntl

    with (tmp_path / "m" / "training" / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="another process"):
            run(request)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    for force in (False, True):
        for path in (tmp_path / "full", ensemble):
            with pytest.raises(SqcliError, match="not a model"):
                run(request_for(path, ensemble, force=force))


def test_wrong_requests(tmp_path, ensemble):
    for change, told in (
        ({"epochs": None}, "give --epochs"),
        ({"parameters": {"breadth": 3}}, "allowed: width"),
        ({"parameters": {"schedule.breadth": 3}}, "schedule ve has no parameter 'breadth'"),
        ({"parameters": {"objective.levels": "all"}}, "log or schedule"),
        ({"net": "nothing"}, "there are: "),
        ({"ema": 1.0}, "--ema"),
        ({"patience": 3, "validation": 0.0}, "--validation"),
        ({"skip": 50}, "50 draws of each of 4 chains are committed, --skip 50; that leaves fewer than the 2"),
    ):
        with pytest.raises(SqcliError, match=told):
            run(request_for(tmp_path / "m", ensemble, **change))
        assert not (tmp_path / "m").exists()
    weighted = write(tmp_path / "w", free_fields((4, 4), 0.5, 1, 9, 2), exactness={"status": "weighted", "reason": ""})
    with pytest.raises(SqcliError, match="carry weights"):
        run(request_for(tmp_path / "m", weighted))
    flat = write(tmp_path / "flat", free_fields((4,), 0.5, 2, 9, 2))
    with pytest.raises(UsageError, match="dimension"):
        run(request_for(tmp_path / "m", ensemble, flat))


def test_chains_that_have_not_begun_are_named_and_uneven_ones_are_cut(tmp_path):
    chains = list(free_fields((4, 4), 0.5, 4, 20, 3))
    waiting = write(tmp_path / "waiting", [chains[0], chains[1][:0], chains[2][:5], chains[3][:0]])
    with pytest.raises(SqcliError, match="chains 1, 3 of 4"):
        run(request_for(tmp_path / "m", waiting))
    with pytest.raises(SqcliError, match="chains 1, 3 of 4"):
        Start.parse(str(waiting))
    uneven = write(tmp_path / "uneven", [chains[0], chains[1][:7], chains[2][:5]])
    run(request_for(tmp_path / "m", uneven, epochs=1))
    assert Model.load(tmp_path / "m").parents[0]["draws"] == 5
    with pytest.raises(SqcliError, match="no draw is committed"):
        Start.parse(str(write(tmp_path / "none", [chains[0][:0]], room=3)))


def test_streaming_equals_memory(tmp_path, ensemble, monkeypatch):
    """Blocks of a few draws: kept in memory or read again whenever they are wanted, the weights are the same."""
    monkeypatch.setattr(training_data, "BLOCK_BYTES", 4 * 16 * 8)
    monkeypatch.setattr(_batches, "POOL", 3)
    run(request_for(tmp_path / "memory", ensemble))
    reads = []
    read = training_data.DrawSource.read
    monkeypatch.setattr(training_data.DrawSource, "read", lambda self, b: reads.append(b) or read(self, b))
    monkeypatch.setattr(_batches.Dataset.__init__, "__defaults__", (0,))
    run(request_for(tmp_path / "streamed", ensemble))
    assert len(reads) > 2 * len(set(reads))
    assert equal(weights(tmp_path / "memory"), weights(tmp_path / "streamed"))


@pytest.mark.parametrize(("chains", "draws", "fraction"), [(4, 50, 0.1), (40, 3, 0.1), (1, 7, 0.5), (3, 1, 0.01)])
def test_every_draw_is_trained_on_once_or_left_out(tmp_path, monkeypatch, chains, draws, fraction):
    monkeypatch.setattr(training_data, "BLOCK_BYTES", 300)
    values = np.arange(chains * draws, dtype=float).reshape(chains, draws, 1) + 0.5
    origin = Origin.open(write(tmp_path / "e", values), 0, None)
    parts = [Dataset(source) for source in origin.sources(fraction, ())]
    batches = Batches([parts[0]], 4, seed=1)
    seen = torch.cat([batches(step)[1] for step in range(len(batches))]).flatten().tolist()
    left = parts[1].some(10**6, 10**6).flatten().tolist()
    assert len(set(seen)) == len(seen) == len(parts[0]) // 4 * 4 if len(parts[0]) >= 4 else len(seen) == len(parts[0])
    assert not set(seen) & set(left)
    assert set(seen) | set(left) <= set(values.flatten())
    assert len(parts[0]) + len(left) == values.size
    assert parts[0].order(1, 0, 0).tolist() != parts[0].order(1, 0, 1).tolist() or len(parts[0]) < 3


def test_ranks_share_batches_and_ensembles_take_turns(tmp_path):
    sizes = {"a": 60, "b": 20}
    rows = [
        Dataset(Origin.open(write(tmp_path / n, 100.0 * i + np.ones((1, k, 1))), 0, None).sources(0.0, ())[0])
        for i, (n, k) in enumerate(sizes.items())
    ]
    batches = Batches(rows, 10, seed=3, ranks=2)
    turns = [batches(step)[0] for step in range(len(batches))]
    assert sorted(turns) == [0] * 6 + [1] * 2
    assert 1 in turns[:4]
    whole = Batches(rows, 10, seed=3)
    for step in range(12):
        shares = torch.cat([batches(step, rank, 2)[1] for rank in range(2)])
        assert torch.equal(shares.sort(0).values, whole(step)[1].sort(0).values)


def test_the_score_of_a_double_well_is_learnt(tmp_path, judge):
    """2411.11297's model: D(y, s) against quadrature, mean square error over that of the noise."""
    theory = DoubleWell(a=-4.0, b=1.0)
    grid = np.linspace(-4, 4, 4001)
    density = np.exp(-theory.action(grid[:, None], Lattice((1,))))
    density /= density.sum()

    def claim(seed, size):
        rng = np.random.default_rng(seed)
        draws = rng.choice(grid, size=(8, 2000, 1), p=density)
        path = write(tmp_path / f"e{size}", draws, theory="double_well", parameters={"a": -4.0, "b": 1.0})
        out = tmp_path / f"m{size}"
        run(request_for(out, path, parameters={"width": 48, "z2": True}, epochs=6, batch_size=128, ema=0.99,
                        learning_rate=5e-3, seed=seed))  # fmt: skip
        denoiser = Model.load(out).denoiser()
        for level in (0.2, 0.7, 3.0):
            y = rng.choice(grid, size=400, p=density) + level * rng.standard_normal(400)
            posterior = density * np.exp(-0.5 * ((y[:, None] - grid) / level) ** 2)
            exact = (posterior @ grid) / posterior.sum(1)
            found = denoised(denoiser, y, level)
            assert np.mean((found - exact) ** 2) < 0.02 * min(level**2, np.var(draws))

    judge.twice(claim)


def denoised(denoiser, y, level):
    s = torch.tensor(level / denoiser.scale, dtype=torch.float64)  # levels are in units of x
    with torch.no_grad():
        x = denoiser.from_field(torch.from_numpy(y)[:, None])
        return denoiser.to_field(denoiser.denoise(x, s, None)).numpy()[:, 0]


def test_several_couplings_and_lattices(tmp_path):
    """One network for two masses and two sizes: it is told the mass, and each ensemble has its own statistics."""
    paths = [
        write(tmp_path / f"e{i}", free_fields((n, n), mass2, 4, 200, i), parameters={"mass2": mass2}, seed=i)
        for i, (n, mass2) in enumerate([(4, 0.3), (4, 3.0), (6, 0.3)])
    ]
    run(request_for(tmp_path / "m", *paths, net="ncsnpp", epochs=2, batch_size=64,
                    parameters={"channels": 4, "blocks": 1, "embedding": 8, "scales": 1}))  # fmt: skip
    model = Model.load(tmp_path / "m")
    assert model.design.couplings == ("mass2",)
    assert [entry.couplings for entry in model.ensembles] == [(0.3,), (3.0,), (0.3,)]
    scales = [entry.statistics.scale for entry in model.ensembles]
    assert scales[1] < 0.8 * scales[0]
    assert model.denoiser(Free(mass2=2.5)).scale == scales[1]
    assert model.denoiser(Free(mass2=0.3), Lattice((8, 8))).scale == scales[2]


def test_another_models_weights_to_start_from(tmp_path, ensemble):
    run(request_for(tmp_path / "first", ensemble))
    run(request_for(tmp_path / "second", ensemble, init=tmp_path / "first", epochs=1, learning_rate=1e-12, ema=0.0))
    one, two = weights(tmp_path / "first"), weights(tmp_path / "second")
    assert all(torch.allclose(one[name], two[name], atol=1e-9) for name in one if name.startswith("net."))
    second = Model.load(tmp_path / "second")
    assert second.parents[-1]["identity"] == Model.load(tmp_path / "first").identity
    with pytest.raises(UsageError, match="other sizes"):
        run(request_for(tmp_path / "third", ensemble, init=tmp_path / "first", parameters={"width": 9}))


def test_training_ends_where_nothing_gets_better(tmp_path, ensemble):
    run(request_for(tmp_path / "m", ensemble, epochs=200, patience=2, learning_rate=0.3))
    model = Model.load(tmp_path / "m")
    rows = (tmp_path / "m" / "metrics.csv").read_text().splitlines()[1:]
    losses = [float(row.split(",")[5]) for row in rows]
    assert len(rows) < 200
    assert model.training["best_epoch"] == int(np.argmin(losses)) + 1 == len(rows) - 2


def test_two_processes_train_one_model(tmp_path, ensemble):
    """gloo on the CPU: both ranks end with equal weights, the loss falls, and stopping and resuming changes nothing."""
    script = (
        "import sys, torch; from sqcli.diffusion.training import trainer; from sqcli.cli import main\n"
        "finish = trainer.Trainer.finish\n"
        "def told(self):\n"
        "    torch.save([p.detach() for p in self.checkpoint.parameters], f'{sys.argv[-1]}.{self.ranks.rank}')\n"
        "    sys.argv.pop(); return finish(self)\n"
        "trainer.Trainer.finish = told\n"
        "out = sys.argv[-1]; sys.argv[1:] = sys.argv[1:-1]; arguments = list(sys.argv); sys.argv.append(out)\n"
        "from sqcli.cli._main import run; sys.exit(run(arguments[1:]))\n"
    )
    (tmp_path / "two.py").write_text(script)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
               str(tmp_path / "two.py"), "train", str(ensemble), "--out", str(tmp_path / "m"), "--net", "mlp",
               "-a", "width=8", "--epochs", "20", "--batch-size", "16", "--seed", "5", "--learning-rate", "0.01",
               str(tmp_path / "weights")]  # fmt: skip
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("trained ") == 1
    one, two = (torch.load(tmp_path / f"weights.{rank}") for rank in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    rows = [row.split(",") for row in (tmp_path / "m" / "metrics.csv").read_text().splitlines()[1:]]
    assert float(rows[-1][5]) < float(rows[0][5])
    assert Model.load(tmp_path / "m").training["ranks"] == 2
    with pytest.raises(SqcliError, match="--ranks is 2 there, not 1"):
        run(TrainRequest.of(tmp_path / "m", [ensemble]))


def test_the_model_to_start_from_is_not_erased(ensemble, tmp_path):
    path = tmp_path / "m"
    run(request_for(path, ensemble))
    (tmp_path / "link").symlink_to(path)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    for init in (path, tmp_path / "link"):
        with pytest.raises(UsageError, match="is the model that would be written; choose another --out"):
            run(request_for(path, ensemble, init=init, force=True))
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before
