"""Models from somebody else, or from a bad disk: every changed byte is found, no link is followed, nothing hangs."""

import os
import random
import shutil
import threading

import pytest
import yaml
from drawn import free_fields, write

from sqcli.diffusion.models import files
from sqcli.diffusion.models.files import CHECKSUM, SEALED, read_document, sealed
from sqcli.diffusion.models.identity import identity_of
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.models.tensors import read_tensors
from sqcli.errors import DamageError, SqcliError, Stopped
from sqcli.runs.show import summary
from sqcli.runs.train import TrainRequest, train

STATE = "training/state.safetensors"
WEIGHTS = "weights.safetensors"


pytestmark = pytest.mark.usefixtures("one_thread")


def run(model, ensemble, stop=None, **options):
    given = {"net": "mlp", "schedule": "ve", "objective": "dsm", "parameters": {"width": 2}, "epochs": 2, "seed": 5}
    train(TrainRequest.of(model, [ensemble], **given | options), stop or threading.Event(), lambda _: None)


def stopping():
    event = threading.Event()
    event.set()
    return event


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An ensemble, a finished model of it and one that was stopped."""
    folder = tmp_path_factory.mktemp("made")
    ensemble = write(folder / "e", free_fields((4, 4), 0.5, 2, 12, 1), seed=1)
    run(folder / "whole", ensemble)
    with pytest.raises(Stopped):
        run(folder / "part", ensemble, stopping())
    return folder


@pytest.fixture
def copied(made, tmp_path):
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made"


def flipped(file, positions):
    """Change one byte of the file, at each of the positions in turn; which bit changes as well."""
    with file.open("r+b", buffering=0) as handle:
        for position in positions:
            (byte,) = os.pread(handle.fileno(), 1, position)
            os.pwrite(handle.fileno(), bytes([byte ^ 1 << position % 7]), position)
            yield position
            os.pwrite(handle.fileno(), bytes([byte]), position)


@pytest.mark.parametrize(("name", "each"), [("whole", 1), ("part", 5)])
def test_every_changed_byte_of_a_description_is_found(copied, name, each):
    file = copied / name / "model.yaml"
    good = file.read_bytes()
    missed = []
    for position in flipped(file, range(0, len(good), each)):
        try:
            read_document(copied / name)
            missed.append(position)
        except SqcliError as error:
            if str(file) not in str(error) or "\n" in str(error):
                missed.append(position)
    assert missed == []
    for cut in (0, 1, len(good) // 2, len(good) - 1):
        file.write_bytes(good[:cut])
        with pytest.raises(SqcliError, match=r"model\.yaml"):
            summary(copied / name)
    file.write_bytes(good)
    assert read_document(copied / name)["seed"] == 5


@pytest.mark.parametrize("name", [WEIGHTS, STATE])
def test_every_changed_byte_of_the_tensors_is_found(copied, name):
    """Also without the digest in model.yaml: all bytes of the header, many of the numbers."""
    file = copied / "whole" / name
    good = file.read_bytes()
    header = 8 + int.from_bytes(good[:8], "little")
    for _ in flipped(
        file, [*range(0, header, 2 if name == STATE else 1), *range(header, len(good), 101), len(good) - 1]
    ):
        with pytest.raises(DamageError, match="safetensors"):
            read_tensors(file)
    assert read_tensors(file)[0]


def test_a_changed_byte_ends_a_training_and_a_load_in_one_line(copied):
    state, weights = copied / "part" / STATE, copied / "whole" / WEIGHTS
    for file, use in (
        (state, lambda: run(copied / "part", copied / "e")),
        (weights, lambda: Model.load(copied / "whole")),
    ):
        size = file.stat().st_size
        for _ in flipped(file, range(3, size, size // 5)):
            with pytest.raises(DamageError) as caught:
                use()
            assert str(file) in str(caught.value)
            assert "\n" not in str(caught.value)
        use()


def rewritten(model, change, seal=True):
    """Change a description; with `seal` the checksum is made to fit."""
    file = model / "model.yaml"
    document = yaml.safe_load(file.read_text())
    change(document)
    if seal:
        document.pop(CHECKSUM)
    text = yaml.safe_dump(document, sort_keys=False).encode()
    file.write_bytes(sealed(text) if seal else text)


@pytest.mark.parametrize("change", [
    {"seed": 6}, {"lattice": [8, 8]}, {"parameters": {"mass2": 0.6}}, {"schedule_parameters": {"sigma": 24.0}},
    {"couplings": ["mass2"]}, {"net_parameters": {"width": 3}}, {"identity": "0" * 64},
])  # fmt: skip
def test_the_identity_must_be_that_of_what_is_said(copied, change):
    rewritten(copied / "whole", lambda document: document.update(change))
    with pytest.raises(DamageError, match="identity"):
        Model.load(copied / "whole")
    rewritten(copied / "part", lambda document: document.update(change))
    with pytest.raises(DamageError, match="identity"):
        run(copied / "part", copied / "e", seed=None)


def test_settings_and_parents_belong_to_the_identity(copied):
    rewritten(copied / "whole", lambda document: document["training"].update({"learning-rate": 0.5}))
    with pytest.raises(DamageError, match="identity"):
        Model.load(copied / "whole")
    rewritten(copied / "part", lambda document: document["parents"][0].update({"draws": 11}))
    with pytest.raises(DamageError, match="identity"):
        run(copied / "part", copied / "e")


def test_models_of_earlier_versions_have_no_seal_and_half_a_seal_is_none(copied, monkeypatch):
    for lost in ((SEALED,), (CHECKSUM,)):
        shutil.copytree(copied / "whole", copied / "-".join(lost))
        rewritten(copied / "-".join(lost), lambda document, lost=lost: [document.pop(key) for key in lost], seal=False)
        with pytest.raises(DamageError, match="checksum"):
            Model.load(copied / "-".join(lost))
    rewritten(copied / "whole", lambda document: [document.pop(key) for key in (SEALED, CHECKSUM)], seal=False)
    assert Model.load(copied / "whole").seed == 5
    assert SEALED not in Model.load(copied / "whole").provenance


def sentinel(folder):
    file = folder / "sentinel"
    file.write_text("mine")
    return file


@pytest.mark.parametrize(
    "name", ["model.yaml.partial", "metrics.csv", f"{STATE}.partial", "weights.safetensors.partial"]
)
def test_no_link_is_written_through(copied, tmp_path, name):
    place, mine = copied / "part" / name, sentinel(tmp_path)
    for link in (place.symlink_to, place.hardlink_to):
        shutil.rmtree(copied / "part")
        shutil.copytree(copied / "whole", copied / "part")
        place.unlink(missing_ok=True)
        link(mine)
        run(copied / "part", copied / "e", seed=6, force=True)
        assert mine.read_text() == "mine"
        assert Model.load(copied / "part").seed == 6


@pytest.mark.parametrize("force", [False, True])
def test_linked_folders_and_locks_are_refused(copied, tmp_path, force):
    outside, mine = tmp_path / "outside", sentinel(tmp_path)
    (copied / "part" / "training").rename(outside)
    before = {file.name: file.read_bytes() for file in outside.iterdir()}
    (copied / "part" / "training").symlink_to(outside)
    with pytest.raises(SqcliError, match="is a link"):
        run(copied / "part", copied / "e", force=force)
    assert {file.name: file.read_bytes() for file in outside.iterdir()} == before
    (copied / "part" / "training").unlink()
    (copied / "part" / "training").mkdir()
    for link in ("symlink_to", "hardlink_to"):
        getattr(copied / "part" / "training" / "lock", link)(mine)
        with pytest.raises(SqcliError, match="refused for writing"):
            run(copied / "part", copied / "e", force=force)
        assert mine.read_text() == "mine"
        (copied / "part" / "training" / "lock").unlink()


def fifo(place):
    os.mkfifo(place)


def folder(place):
    place.mkdir()


def device(place):
    place.symlink_to("/dev/zero")


def huge(place):
    with place.open("wb") as handle:
        handle.truncate(2**42)


@pytest.mark.parametrize("make", [fifo, folder, device, huge])
@pytest.mark.parametrize("name", ["model.yaml", WEIGHTS, STATE, "training/lock", "training"])
def test_what_is_no_file_of_sensible_size_is_one_line(copied, name, make):
    for model in ("whole", "part"):
        place = copied / model / name
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        make(place)
    if name in ("model.yaml", WEIGHTS):
        with pytest.raises(SqcliError) as caught:
            Model.load(copied / "whole")
        assert "\n" not in str(caught.value)
    if name == WEIGHTS or (name == "training/lock" and make is huge) or (name == "training" and make is folder):
        return  # an unfinished training does not look at it, or makes it anew
    with pytest.raises(SqcliError) as caught:
        run(copied / "part", copied / "e")
    assert str(copied / "part") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_description_is_replaced_as_a_whole(copied, monkeypatch):
    """A full disk: the old model is there as it was, and the message names the file."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    before = (copied / "whole" / "model.yaml").read_bytes()
    monkeypatch.setattr(files, "replace_bytes", full)
    with pytest.raises(SqcliError, match="no space left"):
        run(copied / "whole", copied / "e", seed=6, force=True)
    assert (copied / "whole" / "model.yaml").read_bytes() == before
    monkeypatch.undo()
    assert Model.load(copied / "whole").seed == 5


ODD = [
    None, True, 0, -1, 2**70, 1.5, 1e308, "", "../up", "nan", "\x1b[2J", "phi4", "u1", "spectral", "path", [], {}, [1],
    ["a"], {"a": 1}, [[1]], [4, 4, 4], [0], [-1, 4], [2**31, 2**31], [4, 10**9],
]  # fmt: skip


def places(node):
    """Every container in a description with every key or index in it."""
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(inner, (dict, list)):
            yield from places(inner)


@pytest.mark.parametrize("number", range(8))
def test_descriptions_by_somebody_who_makes_everything_fit(copied, tmp_path, number):
    """Odd values with a right checksum and a right identity: used as they stand, or one line; others' files stay."""
    rng, mine = random.Random(number), sentinel(tmp_path)
    good = {name: (copied / name / "model.yaml").read_bytes() for name in ("whole", "part")}
    files = {path for path in tmp_path.rglob("*") if "made" not in path.parts}

    def change(document):
        container, key = rng.choice(list(places(document)))
        container[key] = rng.choice(ODD)
        document["identity"] = identity_of(document) or document.get("identity")

    for _ in range(12):
        for name, data in good.items():
            (copied / name / "model.yaml").write_bytes(data)
            rewritten(copied / name, change)
        for use in (
            lambda: summary(copied / "whole"),
            lambda: Model.load(copied / "whole"),
            lambda: run(copied / "part", copied / "e", stopping(), **dict.fromkeys(("net", "schedule", "objective"))),
        ):
            told = ""
            try:
                use()
            except SqcliError as error:
                told = str(error)
            assert "\n" not in told
    assert mine.read_text() == "mine"
    assert {path for path in tmp_path.rglob("*") if "made" not in path.parts} == files


def test_a_training_of_an_earlier_version_goes_on(copied):
    """Options that it did not know have their defaults."""

    def older(document):
        for key in (SEALED, CHECKSUM):
            document.pop(key)
        document["training"].pop("weight-decay")

    rewritten(copied / "part", older, seal=False)
    run(copied / "part", copied / "e")
    assert Model.load(copied / "part").training["steps"] == Model.load(copied / "whole").training["steps"]
