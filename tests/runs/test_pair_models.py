"""Models of a complex field, trained for seconds: pieces make the whole, and complex means come out."""

import threading

import numpy as np
import pytest
from drawn import write
from statistical import estimate

from sqcli import store
from sqcli.analysis.measure import measure
from sqcli.diffusion.models.files import read_document
from sqcli.errors import SqcliError, Stopped, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.runs.sample import SampleRequest, sample
from sqcli.runs.train import TrainRequest, train
from sqcli.theories.complex_gaussian import ComplexGaussian

pytestmark = pytest.mark.usefixtures("one_thread")
SIGMA = 1 + 1j
WAYS = {
    "sde": {"method": "sde", "method_parameters": {"n_steps": "60", "scheme": "heun"}},
    "family": {"method": "sde", "method_parameters": {"n_steps": "60", "scheme": "heun", "noise": "0.5"}},
    "flow": {"method": "ode"},
}


def gaussian(seed, shape):
    """Draws of the stationary distribution of complex Langevin, P ∝ e^{−x² − 3y² − 2xy} at σ₀ = 1 + i."""
    root = np.linalg.cholesky(np.linalg.inv([[2.0, 2.0], [2.0, 6.0]]))
    x, y = np.moveaxis(np.random.default_rng(seed).standard_normal((*shape, 2)) @ root.T, -1, 0)
    return (x + 1j * y)[..., None]


@pytest.fixture(scope="module")
def models(tmp_path_factory, seed_for):
    path = tmp_path_factory.mktemp("models")
    write(path / "e", gaussian(seed_for("pairs"), (8, 500)), "complex_gaussian", {"sigma0": "1+1j"}, field="z", seed=1)
    trained(path, "whole")
    trained(path, "energy", head="energy")
    return path


class Asked(threading.Event):
    """An event that is set once it was asked so many times."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def is_set(self):
        self.left -= 1
        return self.left < 0


def trained(path, name, stop=None, **parameters):
    """Train with what is the default for complex fields."""
    request = TrainRequest.of(
        path / name, [path / "e"], epochs=4, batch_size=128, seed=5, device="cpu", parameters={"width": 16} | parameters
    )
    train(request, stop or threading.Event(), lambda _: None)


def drawn(models, path, name="whole", stop=None, progress=lambda _: None, **options):
    base = {"chains": 2, "draws": 700, "seed": 7, "device": "cpu"}
    request = SampleRequest(model=models / name, path=path, **base | options)
    sample(request, stop or threading.Event(), progress)
    return store.open_ensemble(path)


def test_the_default_is_a_perceptron_with_denoising(models):
    found = read_document(models / "whole")
    assert (found["net"], found["objective"]) == ("mlp", "dsm")


def test_a_training_in_pieces_ends_as_the_whole_one(models):
    with pytest.raises(Stopped):
        trained(models, "pieces", Asked(30))
    trained(models, "pieces")
    one, other = ((models / name / "weights.safetensors").read_bytes() for name in ("whole", "pieces"))
    assert one == other


@pytest.mark.parametrize("way", WAYS)
def test_draws_in_pieces_are_those_of_the_whole(models, way, tmp_path):
    whole = drawn(models, tmp_path / "w", workers=1, **WAYS[way])
    drawn(models, tmp_path / "p", workers=2, **WAYS[way] | {"draws": 300})
    pieces = drawn(models, tmp_path / "p", **WAYS[way])
    fields = [np.stack([each.fields(chain) for chain in range(2)]) for each in (whole, pieces)]
    assert fields[0].dtype == np.complex128
    np.testing.assert_array_equal(*fields)


@pytest.mark.parametrize("name", ["whole", "energy"])
@pytest.mark.parametrize("way", WAYS)
def test_complex_moments_come_out(models, name, way, tmp_path, judge):
    exact = ComplexGaussian(SIGMA).exact(Lattice((1,)))

    def sampled(seed, size):
        path = tmp_path / str(size)
        found = drawn(models, path, name, **WAYS[way] | {"seed": seed, "draws": 2000 * size})
        assert found.attrs["exactness"]["status"] == "uncorrected"
        assert not {"action", "log_weight"} & set(found.stat_names)
        rows = {row["component"]: row for row in measure(path, ["moments"]).estimates}
        return {n: parts(rows[n], exact["moments", n]) for n in ("2", "4")}

    judge.check(sampled)


def parts(row, expected):
    """Real and imaginary part of a complex estimate; a short training may be off by some per cent."""
    value, error = complex(row["value"]), complex(row["error"])
    wanted = np.array([expected.real, expected.imag])
    return estimate([value.real, value.imag], [error.real, error.imag], wanted, tolerance=0.1 * abs(expected))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"method": "ode", "accept": "independence"}, "the action of complex_gaussian is complex"),
        ({"method": "ode", "method_parameters": {"trace": "exact"}}, "S is complex"),
        ({"method": "path"}, "S is complex"),
        ({"method": "maala"}, "S is complex"),
        ({"method": "hmd"}, "S is complex"),
    ],
)
def test_weights_are_refused_in_one_line(models, options, line, tmp_path):
    with pytest.raises(UsageError) as caught:
        drawn(models, tmp_path / "r", **options)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"objective": "target"}, "S is complex"),
        ({"objective": "path"}, "S is complex"),
        ({"net": "spectral"}, "mlp is for pairs"),
        ({"net": "lcnn"}, "not for fields in C"),
    ],
)
def test_trainings_that_need_a_real_action_are_refused(models, options, line, tmp_path):
    with pytest.raises(UsageError, match=line):
        train(TrainRequest.of(tmp_path / "m", [models / "e"], epochs=1, **options), threading.Event(), lambda _: None)


def test_fields_on_the_real_axis_are_no_pairs(tmp_path):
    write(tmp_path / "e", gaussian(1, (2, 50)).real, "complex_gaussian", {"sigma0": "1"}, field="z", seed=1)
    with pytest.raises(SqcliError, match="do not determine a model"):
        train(TrainRequest.of(tmp_path / "m", [tmp_path / "e"], epochs=1), threading.Event(), lambda _: None)
