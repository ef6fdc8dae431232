"""Trainings of data that nobody can learn from: one line about the data, and nothing written."""

import threading

import numpy as np
import pytest
import torch
from drawn import free_fields, write

from sqcli.diffusion.models.model import Model
from sqcli.errors import BusyError, SqcliError
from sqcli.runs.train import TrainRequest, train

NETS = {
    "mlp": {"net": "mlp", "schedule": "ve", "objective": "dsm", "parameters": {"width": 4}},
    "spectral": {"parameters": {"channels": 2, "blocks": 1}},
}


pytestmark = pytest.mark.usefixtures("one_thread")


def run(path, ensemble, net="mlp", stop=None, **options):
    given = {"epochs": 1, "batch_size": 8, "seed": 5} | NETS[net] | options
    train(TrainRequest.of(path, [ensemble], **given), stop or threading.Event(), lambda _: None)


def normal(seed=1, chains=2, draws=12, extents=(4, 4)):
    return free_fields(extents, 0.5, chains, draws, seed)


def with_number(number):
    def put(fields):
        fields[1, 7, 2, 3] = number
        return fields

    return put


PLANE = np.cos(2 * np.pi * np.arange(4) / 4)[:, None] * np.ones(4)
ODD = {
    "nan": (with_number(np.nan), "draw 7 of chain 1 is not finite"),
    "inf": (with_number(np.inf), "draw 7 of chain 1 is not finite"),
    "-inf": (with_number(-np.inf), "draw 7 of chain 1 is not finite"),
    "huge number": (with_number(-1e200), "draw 7 of chain 1 reaches 1e+200"),
    "huge": (lambda f: f * 1e200, "reaches"),
    "tiny": (lambda f: f * 1e-200, "are the same field"),
    "zero": (lambda f: 0 * f, "are the same field"),
    "constant": (lambda f: 0 * f + 3.5, "are the same field"),
    "one distinct": (lambda f: 0 * f + f[0, 0], "are the same field"),
    "rounding": (lambda f: 1.0 + 1e-15 * f, "are the same field"),
    "flat": (lambda f: 0 * f + f[..., :1, :1], "constant over the lattice"),
    "one draw": (lambda f: f[:1, :1], "fewer than the 2 configurations"),
    "two draws": (lambda f: f[:1, :2], "only one configuration is left"),
    "two chains of one": (lambda f: f[:, :1], "only one configuration is left"),
}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("kind", ODD)
def test_data_that_hold_nothing_to_learn_are_named_and_nothing_is_written(tmp_path, kind, net):
    change, told = ODD[kind]
    path = write(tmp_path / "e", change(normal()))
    with pytest.raises(SqcliError) as caught:
        run(tmp_path / "m", path, net)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m").exists()


BORDERLINE = {
    "a single wave": lambda f: PLANE * f[..., :1, :1],
    "no mean": lambda f: f - f.mean((2, 3), keepdims=True),
    "equal means": lambda f: f - f.mean((2, 3), keepdims=True) + 1.0,
    "two distinct": lambda f: np.where(f[..., :1, :1] > 0, f[0, 0], f[1, 1]),
    "signs": lambda f: np.sign(f),
    "one outlier": lambda f: f * np.where(np.arange(12) == 3, 1e30, 1.0)[:, None, None],
    "far off": lambda f: f + 1e9,
    "large": lambda f: f * 1e90,
    "small": lambda f: f * 1e-90,
    "three draws": lambda f: f[:1, :3],
    "one site at a time": lambda f: f * (np.arange(16).reshape(4, 4) == 5),
    "checkerboard": lambda f: f[..., :1, :1] * (-1.0) ** np.add.outer(np.arange(4), np.arange(4)),
}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("kind", BORDERLINE)
def test_odd_data_give_a_usable_model_or_one_line(tmp_path, kind, net):
    """Whatever the data are: either a model that can be loaded again, or one line and no model."""
    path = write(tmp_path / "e", BORDERLINE[kind](normal()))
    told = None
    try:
        run(tmp_path / "m", path, net)
    except SqcliError as error:
        told = str(error)
    if told is None:
        entry = Model.load(tmp_path / "m").ensembles[0]
        assert all(bool(torch.isfinite(table).all()) for table in entry.statistics.tensors().values())
    else:
        assert "\n" not in told
        assert "do not determine a model" in told or "diverged" in told
        assert not (tmp_path / "m" / "weights.safetensors").exists()


def test_a_fraction_that_leaves_one_configuration_is_named(tmp_path):
    path = write(tmp_path / "e", normal(chains=1, draws=50))
    with pytest.raises(SqcliError, match=r"only one configuration is left to train on \(--validation"):
        run(tmp_path / "m", path, validation=0.999)
    assert not (tmp_path / "m").exists()


def test_a_training_that_diverges_says_so_and_leaves_no_numbers_that_cannot_be_read(tmp_path):
    path = write(tmp_path / "e", normal())
    with pytest.raises(SqcliError, match="lower --learning-rate and start anew with --force"):
        run(tmp_path / "m", path, learning_rate=1e30, clip=1e30, epochs=40)
    run(tmp_path / "m", path, force=True)
    Model.load(tmp_path / "m")


@pytest.mark.parametrize("attributes", [
    {"lattice": None}, {"lattice": [4, "x"]}, {"lattice": [2, 8]}, {"lattice": []}, {"theory": None},
    {"theory": ["free"]}, {"parameters": ["mass2"]}, {"parameters": {"mass2": "x"}}, {"parameters": {"mass2": -1.0}},
])  # fmt: skip
def test_attributes_that_describe_no_data_are_one_line(tmp_path, attributes):
    path = write(tmp_path / "e", normal(), **attributes)
    with pytest.raises(SqcliError) as caught:
        run(tmp_path / "m", path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m").exists()


def test_a_failed_start_does_not_block_the_next_one(tmp_path):
    """What dies with a full disk, or between making the folder and describing the model, leaves parts of files."""
    path, model = write(tmp_path / "e", normal()), tmp_path / "m"
    (model / "training").mkdir(parents=True)
    for name in ("model.yaml.partial", "training/state.safetensors.partial", "training/lock"):
        (model / name).write_bytes(b"half")
    run(model, path)
    assert Model.load(model).identity
    for entry in ("notes.txt", "training/notes.txt"):
        other = tmp_path / entry.replace("/", "-")
        (other / entry).parent.mkdir(parents=True)
        (other / entry).write_text("mine")
        with pytest.raises(SqcliError, match="not a model"):
            run(other, path)
        assert (other / entry).read_text() == "mine"


def test_force_waits_for_nobody_and_erases_nothing_that_is_being_trained(tmp_path):
    path, model = write(tmp_path / "e", normal()), tmp_path / "m"
    refused = []

    class InTheMiddle(threading.Event):
        def is_set(self):
            if not refused:
                before = {file: file.read_bytes() for file in model.rglob("*") if file.is_file()}
                for force in (False, True):
                    with pytest.raises(BusyError, match="another process"):
                        run(model, path, force=force)
                refused.append({file: file.read_bytes() for file in model.rglob("*") if file.is_file()} == before)
            return super().is_set()

    run(model, path, stop=InTheMiddle())
    assert refused == [True]
    Model.load(model)


def test_a_link_to_a_folder_stays_and_its_target_becomes_the_model(tmp_path):
    path = write(tmp_path / "e", normal())
    (tmp_path / "big-disk").mkdir()
    (tmp_path / "m").symlink_to(tmp_path / "big-disk")
    run(tmp_path / "m", path)
    run(tmp_path / "m", path, seed=6, force=True)
    assert (tmp_path / "m").is_symlink()
    assert Model.load(tmp_path / "big-disk").seed == 6
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    with pytest.raises(SqcliError, match="link to nothing"):
        run(tmp_path / "nowhere", path)
