"""Models on disk: what is read is what was written, and strangers' directories are refused in one line."""

import pickle
from dataclasses import replace

import pytest
import torch
import yaml
from built import PHI4, fields, model
from safetensors.torch import load_file, save_file

from sqcli.diffusion.models.design import TrainingEnsemble
from sqcli.diffusion.models.files import CHECKSUM, sealed
from sqcli.diffusion.models.identity import digest
from sqcli.diffusion.models.model import Model, is_model
from sqcli.errors import DamageError, SqcliError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories.free import Free
from sqcli.theories.phi4 import Phi4

LEVEL = torch.tensor(0.5, dtype=torch.float64)


@pytest.mark.parametrize("net", ["mlp", "unet", "ncsnpp", "spectral"])
def test_what_is_read_is_what_was_written(tmp_path, net):
    made = model(net)
    made.save(tmp_path / "m")
    assert is_model(tmp_path / "m")
    read = Model.load(tmp_path / "m")
    assert (read.identity, read.seed, read.parents, read.training) == ("0" * 64, 1, made.parents, made.training)
    assert read.design == made.design
    assert read.provenance == made.provenance
    y = made.denoiser().project(fields((4, 4), 2))
    given = torch.tensor([0.1, -0.3], dtype=torch.float64) if made.net.slow_mode else None
    with torch.no_grad():
        assert torch.equal(read.denoiser().denoise(y, LEVEL, given), made.denoiser().denoise(y, LEVEL, given))
    before = (tmp_path / "m" / "weights.safetensors").read_bytes()
    read.save(tmp_path / "m")
    assert (tmp_path / "m" / "weights.safetensors").read_bytes() == before


def test_the_nearest_ensemble_serves():
    made = model(couplings=("kappa",))
    statistics = made.ensembles[0].statistics
    places = [((4, 4), 0.1), ((16, 16), 0.1), ((4, 4), 0.3), ((16, 16), 0.3)]
    ensembles = tuple(
        TrainingEnsemble(Lattice(extents), (kappa,), replace(statistics, scale=number + 1.0))
        for number, (extents, kappa) in enumerate(places)
    )
    made = replace(made, ensembles=ensembles)
    for kappa, extent, scale, told in ((0.12, 5, 1, -0.8), (0.12, 32, 2, -0.8), (0.25, 4, 3, 0.5), (0.35, 12, 4, 1.5)):
        denoiser = made.denoiser(Phi4(kappa=kappa, lam=0.022), Lattice((extent, extent)))
        assert denoiser.scale == scale
        torch.testing.assert_close(denoiser.couplings, torch.tensor([told], dtype=torch.float64))


def test_another_theory_or_dimension_is_refused():
    with pytest.raises(UsageError, match="trained on phi4"):
        model().denoiser(theory=Free(mass2=1.0))
    with pytest.raises(UsageError, match="2 dimensions"):
        model().denoiser(lattice=Lattice((4, 4, 4)))


def test_identity_does_not_depend_on_order():
    assert digest({"a": 1, "b": PHI4}) == digest({"b": dict(reversed(PHI4.items())), "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


@pytest.fixture
def saved(tmp_path):
    model().save(tmp_path / "m")
    return tmp_path / "m"


def alter(path, **changes):
    """Change the description as somebody would who makes the checksum fit."""
    document = yaml.safe_load((path / "model.yaml").read_text()) | changes
    document.pop(CHECKSUM)
    (path / "model.yaml").write_bytes(sealed(yaml.safe_dump(document).encode()))


def refused(path, kind=SqcliError, match=None):
    with pytest.raises(kind, match=match) as caught:
        Model.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_foreign_and_unfinished(saved, tmp_path):
    refused(tmp_path / "nothing", match="no such model")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", match="no model")
    refused(saved / "model.yaml", match="not a model directory")
    alter(saved, finished=False)
    refused(saved, match="not finished")
    alter(saved, format="other")
    refused(saved, match="format is not sqcli-model")
    alter(saved, format="sqcli-model", format_version=2)
    refused(saved, match="newer sqcli")


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch {}']",
        "a: &a [*a]",
        "[" * 100_000,
        "\x00",
        "- 1",
        "x: [",
        "format: \xff",
    ],
)
def test_documents_that_are_no_descriptions(saved, tmp_path, text):
    (saved / "model.yaml").write_bytes(text.format(tmp_path / "touched").encode("latin-1"))
    refused(saved)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"net": "../../evil"},
        {"net": "os"},
        {"net": ["mlp"]},
        {"net": "_preconditioned"},
        {"net_parameters": {"width": 10**8}},
        {"net_parameters": {"width": 9}},
        {"net_parameters": {"layers": 60_000, "width": 8}},
        {"net_parameters": None},
        {"schedule_parameters": {"sigma": "nan"}},
        {"theory": "nothing"},
        {"theory": "u1", "parameters": {"beta": 1.0}},
        {"lattice": [4, -4]},
        {"lattice": "4x4"},
        {"lattice": [4] * 99},
        {"couplings": ["kappa"]},
        {"couplings": ["__class__"]},
        {"normalisation": []},
        {"normalisation": [{"lattice": [4, 4], "couplings": [], "scale": float("inf")}]},
        {"normalisation": [{"lattice": [4], "couplings": [], "scale": 1.0}]},
        {"seed": "one"},
        {"parents": 3},
        {"identity": None, "training": 1},
    ],
)
def test_descriptions_of_impossible_models(saved, changes):
    alter(saved, **changes)
    refused(saved, DamageError, "does not describe")


def test_weights_that_are_none(saved, tmp_path):
    file = saved / "weights.safetensors"
    good = file.read_bytes()
    for bad in (good[:-5], good[:40], b"", b"\xff" * 100, pickle.dumps({"x": 1}), good[:-1] + bytes([good[-1] ^ 1])):
        file.write_bytes(bad)
        refused(saved, DamageError, "weights.safetensors")
    file.unlink()
    (tmp_path / "outside").write_bytes(good)
    file.symlink_to(tmp_path / "outside")
    refused(saved, match="inside the model")
    file.unlink()
    refused(saved, match="no weights")


def resealed(saved, change):
    """Change the tensors and make the checksum fit."""
    import hashlib

    tensors = load_file(saved / "weights.safetensors")
    change(tensors)
    save_file(tensors, saved / "weights.safetensors", {"note": "{}"})
    digest = hashlib.sha256((saved / "weights.safetensors").read_bytes()).hexdigest()
    alter(saved, weights_sha256=digest)


def test_tensors_that_do_not_fit(saved):
    resealed(saved, lambda tensors: tensors.pop("facts.0.ratio"))
    refused(saved, DamageError)
    model().save(saved)
    resealed(saved, lambda tensors: tensors.update({"net.more": torch.zeros(1)}))
    refused(saved, DamageError, "do not fit the network")
    model().save(saved)
    resealed(saved, lambda tensors: tensors.update({"facts.0.phat2": torch.zeros(77)}))
    refused(saved, DamageError, "facts do not fit")
    model().save(saved)
    name = next(n for n in load_file(saved / "weights.safetensors") if n.startswith("net."))
    resealed(saved, lambda tensors: tensors.update({name: torch.full_like(tensors[name], torch.nan)}))
    refused(saved, DamageError, "not finite")
