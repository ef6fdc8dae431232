"""Import: other codes' arrays become ensembles with every digit, whatever holds them; bad files leave nothing."""

import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zarr

from sqcli import open_ensemble, store
from sqcli.analysis.measure import measure
from sqcli.errors import SqcliError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks
from sqcli.lattice.philox import Stream
from sqcli.runs import import_
from sqcli.runs.import_ import ImportRequest, import_ensemble
from sqcli.runs.importing.configurations import on_manifold
from sqcli.runs.importing.files import Source
from sqcli.runs.importing.numbering import gaps, numbers_of

PHI4 = {"kappa": "0.2", "lambda": "0.1"}
SITE = (4, 6)


@pytest.fixture
def fields(rng):
    return rng.normal(size=(2, 7, *SITE))


def bring(path, *files, **changes):
    """Import phi4 on 4x6 unless `changes` say otherwise; the lines that are told."""
    values = {"theory": "phi4", "parameters": PHI4, "lattice": SITE} | changes
    return import_ensemble(ImportRequest(tuple(files), path, **values))


def stored(path):
    ensemble = open_ensemble(path)
    assert not store.check(path)
    return [ensemble.fields(chain) for chain in range(ensemble.chains)]


def saved(file, array, **more):
    np.save(file, array, **more)
    return file


def nothing_left(folder, *files):
    return sorted(entry.name for entry in folder.iterdir()) == sorted(file.name for file in files)


def npy(file, array):
    np.save(file.with_suffix(".npy"), array)
    return file.with_suffix(".npy")


def npz(file, array):
    np.savez(file.with_suffix(".npz"), phi=array, other=np.zeros(3))
    return file.with_suffix(".npz")


def compressed(file, array):
    np.savez_compressed(file.with_suffix(".npz"), anything=array)
    return file.with_suffix(".npz")


def hdf5(file, array):
    h5py = pytest.importorskip("h5py")
    with h5py.File(file.with_suffix(".h5"), "w") as archive:
        archive.create_dataset("run/phi", data=array, chunks=True, compression="gzip")
        archive["other"] = np.zeros(3)
    return file.with_suffix(".h5")


def zarr2(file, array):
    zarr.create_array(file, data=array, zarr_format=2)
    return file


def zarr3(file, array):
    group = zarr.create_group(file)
    group.create_array("a/phi", data=array)
    group.create_array("other", data=np.zeros(3))
    return file


@pytest.mark.parametrize("form", [npy, npz, compressed, hdf5, zarr2, zarr3], ids=lambda form: form.__name__)
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">f4"])
def test_every_digit_arrives_whatever_holds_it(tmp_path, fields, form, dtype):
    array = fields.astype(dtype)
    file = form(tmp_path / "in", array)
    bring(tmp_path / "e", file)
    np.testing.assert_array_equal(stored(tmp_path / "e"), array)
    attributes = open_ensemble(tmp_path / "e").attrs
    native = np.ascontiguousarray(array, f"<{dtype[1:]}")
    assert attributes["data_sha256"] == hashlib.sha256(native.tobytes()).hexdigest()
    assert open_ensemble(tmp_path / "e").layout.dtype == {"4": "float32", "8": "float64"}[dtype[2]]
    assert nothing_left(tmp_path, file, tmp_path / "e")


@pytest.mark.parametrize("array", [np.asfortranarray, lambda a: a[:, ::2], lambda a: a[:1]])
def test_the_order_in_memory_does_not_matter(tmp_path, fields, array):
    file = saved(tmp_path / "in.npy", array(fields))
    bring(tmp_path / "e", file)
    np.testing.assert_array_equal(stored(tmp_path / "e"), array(fields))


def test_root_attributes_say_what_it_is(tmp_path, fields):
    file = saved(tmp_path / "in.npy", fields)
    bring(tmp_path / "e", file, command_line=("sqcli", "import", "in.npy"))
    ensemble = open_ensemble(tmp_path / "e")
    said = {name: ensemble.attrs[name] for name in ("algorithm", "algorithm_parameters", "rng", "seed", "start")}
    assert said == {
        "algorithm": "imported", "algorithm_parameters": {}, "rng": "none", "seed": None, "start": "imported",
    }  # fmt: skip
    assert [ensemble.attrs[name] for name in ("every", "warmup", "boundary")] == [1, 0, "periodic"]
    assert ensemble.attrs["exactness"]["status"] == "unknown"
    assert ensemble.attrs["imported"]["files"] == [
        {"file": "in.npy", "format": "npy", "dataset": None, "chains": 2, "draws": 7}
    ]
    assert ensemble.attrs["provenance"]["command_line"] == ["sqcli", "import", "in.npy"]
    assert ensemble.finished


def test_the_identity_is_that_of_the_data(tmp_path, fields):
    def identity(name, array, form=npy, **changes):
        bring(tmp_path / f"e-{name}", form(tmp_path / name, array), **changes)
        return open_ensemble(tmp_path / f"e-{name}").attrs["identity"]

    first = identity("a", fields)
    assert identity("b", fields, npz) == first
    others = {
        identity("c", fields.astype("f4")),
        identity("d", np.nextafter(fields, 9)),
        identity("e", fields, parameters={"kappa": "0.21", "lambda": "0.1"}),
        identity("f", fields, theory="free", parameters={"mass2": "1"}),
    }
    assert len(others | {first}) == 5


@pytest.mark.parametrize(
    ("shape", "site", "theory", "chains", "draws"),
    [
        ((3, 5, 4, 6), (4, 6), "phi4", 3, 5),
        ((5, 4, 6), (4, 6), "phi4", 1, 5),
        ((4, 6), (4, 6), "phi4", 1, 1),
        ((3, 5, 2, 4, 6), None, "u1", 3, 5),
        ((5, 2, 4, 6), None, "u1", 1, 5),
        ((2, 2, 2, 2, 2), None, "u1", 2, 2),
        ((3, 5), None, "quartic", 3, 5),
        ((5,), None, "quartic", 1, 5),
        ((3, 5, 1), None, "quartic", 3, 5),
        ((5, 1), (1,), "quartic", 1, 5),
    ],
)
def test_the_axes_follow_from_theory_and_lattice(tmp_path, rng, shape, site, theory, chains, draws):
    parameters = {"phi4": PHI4, "u1": {"beta": "1"}, "quartic": {"mu2": "1", "g": "1"}}[theory]
    array = rng.uniform(-1, 1, shape)
    told = bring(tmp_path / "e", saved(tmp_path / "in.npy", array), theory=theory, parameters=parameters, lattice=site)
    ensemble = open_ensemble(tmp_path / "e")
    assert (ensemble.chains, ensemble.target_draws) == (chains, draws)
    np.testing.assert_array_equal(np.ravel(stored(tmp_path / "e")), array.ravel())
    assert f"{chains} chain{'s' * (chains > 1)} of {draws} draw{'s' * (draws > 1)} on " in told[0]


def test_a_shape_that_may_mean_several_things_is_asked_about(tmp_path, fields):
    with pytest.raises(UsageError, match=r"draws on 7x4x6.*--lattice"):
        bring(tmp_path / "e", saved(tmp_path / "in.npy", fields), lattice=None)


@pytest.mark.parametrize(
    ("shape", "chains", "draws", "lattice"),
    [
        ((2, 50, 4, 4), 2, 50, [4, 4]),
        ((30, 4, 4), 1, 30, [4, 4]),
        ((30, 5, 5, 5), 1, 30, [5, 5, 5]),
        ((6, 6), 1, 1, [6, 6]),
    ],
)
def test_a_cubic_lattice_is_recognised_and_told(tmp_path, rng, shape, chains, draws, lattice):
    told = bring(tmp_path / "e", saved(tmp_path / "in.npy", rng.normal(size=shape)), lattice=None)
    ensemble = open_ensemble(tmp_path / "e")
    assert (ensemble.chains, ensemble.target_draws, ensemble.attrs["lattice"]) == (chains, draws, lattice)
    assert "was taken from the shape" in told[1]


@pytest.mark.parametrize("shape", [(8, 8, 8), (4, 4, 4, 4), (5, 4, 6), (3, 7)])
def test_other_lattices_must_be_said(tmp_path, shape):
    with pytest.raises(UsageError, match="--lattice"):
        bring(tmp_path / "e", saved(tmp_path / "in.npy", np.zeros(shape)), lattice=None)


@pytest.mark.parametrize("shape", [(7, 6, 4), (1, 2, 7, 4, 6), (6,), (), (7, 4, 6, 1), (0, 4, 6), (2, 0, 4, 6)])
def test_a_shape_that_does_not_fit_is_refused(tmp_path, shape):
    file = saved(tmp_path / "in.npy", np.zeros(shape))
    with pytest.raises(SqcliError, match=r"in\.npy: its shape"):
        bring(tmp_path / "e", file)
    assert nothing_left(tmp_path, file)


class TestManyFiles:
    def names(self, folder, fields, numbers):
        return [saved(folder / f"cfg.{number:04}.npy", field) for number, field in zip(numbers, fields, strict=True)]

    def test_configurations_of_a_stream_are_draws_of_one_chain(self, tmp_path, rng):
        fields = rng.normal(size=(40, *SITE))
        files = self.names(tmp_path, fields, range(10, 410, 10))
        told = bring(tmp_path / "e", *files)
        np.testing.assert_array_equal(stored(tmp_path / "e"), fields[None])
        assert len(told) == 1
        assert open_ensemble(tmp_path / "e").attrs["imported"]["gaps"] == []

    def test_gaps_in_the_numbering_are_told_and_recorded(self, tmp_path, rng):
        files = self.names(tmp_path, rng.normal(size=(5, *SITE)), [10, 20, 40, 50, 80])
        told = bring(tmp_path / "e", *files)
        assert "between 20 and 40 and 1 more" in told[1]
        said = open_ensemble(tmp_path / "e").attrs["imported"]
        assert said["gaps"] == [[20, 40], [50, 80]]
        assert [file["number"] for file in said["files"]] == [10, 20, 40, 50, 80]

    def test_the_order_given_counts(self, tmp_path, rng):
        fields = rng.normal(size=(3, *SITE))
        told = bring(tmp_path / "e", *self.names(tmp_path, fields, [3, 1, 2]))
        np.testing.assert_array_equal(stored(tmp_path / "e"), fields[None])
        assert "order given" in told[1]

    def test_files_of_several_draws_and_chains_go_on(self, tmp_path, rng):
        parts = [rng.normal(size=(2, n, *SITE)) for n in (3, 1, 4)]
        bring(tmp_path / "e", *self.names(tmp_path, parts, [1, 2, 3]))
        np.testing.assert_array_equal(stored(tmp_path / "e"), np.concatenate(parts, axis=1))

    def test_with_join_chains_each_brings_its_own(self, tmp_path, rng):
        parts = [rng.normal(size=(2, 3, *SITE)), rng.normal(size=(5, *SITE))]
        bring(tmp_path / "e", *self.names(tmp_path, parts, [1, 2]), join="chains")
        found = stored(tmp_path / "e")
        np.testing.assert_array_equal(found[:2], parts[0])
        np.testing.assert_array_equal(found[2], parts[1])

    def test_streams_are_chains_and_have_their_own_gaps(self, tmp_path, rng):
        fields = rng.normal(size=(6, *SITE))
        (tmp_path / "a").mkdir()
        names = ["a/cfg.1", "b.1", "a/cfg.2", "b.2", "b.4", "single"]
        files = [saved(tmp_path / f"{name}.npy", field) for name, field in zip(names, fields, strict=True)]
        told = bring(tmp_path / "e", *files, join="streams")
        found = stored(tmp_path / "e")
        for chain, places in enumerate(([0, 2], [1, 3, 4], [5])):
            np.testing.assert_array_equal(found[chain], fields[places])
        said = open_ensemble(tmp_path / "e").attrs["imported"]
        assert (said["join"], said["gaps"]) == ("streams", [[2, 4]])
        assert [file.get("number") for file in said["files"]] == [1, 2, 1, 2, 4, None]
        assert "between 2 and 4" in told[1]

    def test_a_stream_cannot_change_its_chains(self, tmp_path, rng):
        files = self.names(tmp_path, [rng.normal(size=(2, 3, *SITE)), rng.normal(size=(5, *SITE))], [1, 2])
        with pytest.raises(SqcliError, match="--join chains"):
            bring(tmp_path / "e", *files, join="streams")

    def test_other_chains_or_types_cannot_go_on(self, tmp_path, rng):
        files = self.names(tmp_path, [rng.normal(size=(2, 3, *SITE)), rng.normal(size=(5, *SITE))], [1, 2])
        with pytest.raises(SqcliError, match="--join chains"):
            bring(tmp_path / "e", *files)
        files[1] = saved(files[1], np.zeros((2, 3, *SITE), "f4"))
        with pytest.raises(SqcliError, match=r"cfg\.0002\.npy: holds float32, but .*cfg\.0001\.npy holds float64"):
            bring(tmp_path / "e", *files)
        assert nothing_left(tmp_path, *files)

    def test_many_short_chains_share_chunks(self, tmp_path, rng):
        fields = rng.normal(size=(100, 3, *SITE))
        bring(tmp_path / "e", saved(tmp_path / "in.npy", fields))
        assert open_ensemble(tmp_path / "e").layout.chain_group > 1
        np.testing.assert_array_equal(stored(tmp_path / "e"), fields)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["cfg.0010", "cfg.0020.lime"], (10, 20)),
        (["cfg.0010", "cfg.0020"], (10, 20)),
        (["u_b6.5_100.h5", "u_b6.5_101.h5"], (100, 101)),
        (["a1.npy", "b2.npy"], None),
        (["a.npy", "b.npy"], None),
        (["cfg7.npy"], None),
    ],
)
def test_numbers_in_names(names, numbers):
    assert numbers_of([Path(name) for name in names]) == numbers


def test_gaps_are_where_the_step_is_larger():
    assert gaps((1, 2, 3)) == []
    assert gaps((10, 30, 40)) == [(10, 30)]
    assert gaps((3, 2, 1)) == []


class TestAngles:
    def test_those_outside_are_brought_in_and_told(self, tmp_path):
        angles = np.linspace(-3, 3, 5 * 2 * 4 * 6).reshape(5, 2, 4, 6)
        shifted = angles.copy()
        shifted[1] += 2 * np.pi
        told = bring(
            tmp_path / "e", saved(tmp_path / "in.npy", shifted), theory="u1", parameters={"beta": "1"}, lattice=None
        )
        found = stored(tmp_path / "e")[0]
        np.testing.assert_allclose(found, angles, atol=1e-14)
        np.testing.assert_array_equal(found[[0, 2, 3, 4]], angles[[0, 2, 3, 4]])
        assert told[1].startswith("48 angles were brought into (-pi, pi]")
        assert open_ensemble(tmp_path / "e").attrs["angles_reduced"] == 48

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_the_ends_of_the_circle(self, dtype):
        pi = np.dtype(dtype).type(np.pi)
        angles = np.array([-pi, 3 * pi, -3 * pi, 2 * pi - 1, 100 * pi + 1, 0, 3, -3], dtype)
        found, count = on_manifold(None, angles, AngleLinks())
        assert found.dtype == dtype
        assert count == 5
        assert (np.abs(found) <= pi).all()
        np.testing.assert_array_equal(found[-3:], [0, 3, -3])
        np.testing.assert_allclose(np.cos(found), np.cos(angles.astype(float)), atol=1e-5)
        np.testing.assert_allclose(np.sin(found), np.sin(angles.astype(float)), atol=2e-5)


class TestLinks:
    """Matrices on links; theories of them bring this manifold."""

    @pytest.fixture
    def links(self):
        return GroupLinks(3, True).hot(Lattice((2, 3)), Stream(5, 0))[None]

    @pytest.mark.parametrize("dtype", ["complex128", "complex64"])
    def test_those_in_the_group_keep_every_digit(self, links, dtype):
        fields = links.astype(dtype)
        found, count = on_manifold(None, fields, GroupLinks(3, True))
        assert (count, found.dtype) == (0, dtype)
        np.testing.assert_array_equal(found, fields)

    @pytest.mark.parametrize("factor", [1.0001, -1, np.exp(0.1j)])
    def test_those_off_the_group_are_refused(self, links, factor, tmp_path):
        with pytest.raises(SqcliError, match=r"distance of .* from SU\(3\)"):
            on_manifold(Source(tmp_path, "npy", None), factor * links, GroupLinks(3, True))


class TestWeights:
    def file(self, folder, fields, weights):
        np.savez(folder / "in.npz", phi=fields, log_weight=weights)
        return folder / "in.npz"

    def test_they_go_along_where_they_are_asked_for(self, tmp_path, fields, rng):
        weights = rng.normal(size=(2, 7))
        bring(tmp_path / "e", self.file(tmp_path, fields, weights), exactness="weighted")
        np.testing.assert_array_equal(open_ensemble(tmp_path / "e").stat("log_weight"), weights)
        report = measure(tmp_path / "e", ["field_squared"])
        relative = np.exp(weights) / np.exp(weights).sum()
        expected = (relative[..., None, None] * fields**2).sum() / np.prod(SITE)
        assert report.estimates[0]["value"] == pytest.approx(expected, rel=1e-10)

    def test_they_are_not_lost_in_silence(self, tmp_path, fields):
        file = self.file(tmp_path, fields, np.zeros((2, 7)))
        with pytest.raises(UsageError, match="--exactness weighted"):
            bring(tmp_path / "e", file)
        bring(tmp_path / "e", file, exactness="exact")
        assert open_ensemble(tmp_path / "e").attrs["exactness"]["status"] == "exact"

    @pytest.mark.parametrize("weights", [np.zeros((7, 2)), np.zeros(7), np.full((2, 7), np.nan), np.zeros((2, 7), int)])
    def test_those_that_fit_no_draws_are_refused(self, tmp_path, fields, weights):
        file = self.file(tmp_path, fields, weights)
        with pytest.raises(SqcliError, match="log_weight"):
            bring(tmp_path / "e", file, exactness="weighted")
        assert nothing_left(tmp_path, file)

    def test_weighted_draws_need_them(self, tmp_path, fields):
        with pytest.raises(SqcliError, match="need their weights"):
            bring(tmp_path / "e", saved(tmp_path / "in.npy", fields), exactness="weighted")


class Bomb:
    """An object whose unpickling would make a directory."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def header(text, version=1, length=None):
    body = text.encode()
    size = len(body) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + size.to_bytes(2 if version == 1 else 4, "little") + body


def zipped(file, entry, size=None):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("phi.npy", entry)
    if size is not None:  # another size than the entry's own, in both headers
        data, own = file.read_bytes(), len(entry).to_bytes(4, "little")
        file.write_bytes(data.replace(own, size.to_bytes(4, "little")))


SHAPE = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }\n"
GOOD = header(SHAPE % "(1, 4, 6)") + bytes(8 * 24)
BAD = {
    "empty": lambda f: f.write_bytes(b""),
    "text": lambda f: f.write_text("0.1 0.2\n"),
    "truncated": lambda f: f.write_bytes(GOOD[:-1]),
    "longer": lambda f: f.write_bytes(GOOD + b"\0"),
    "two arrays": lambda f: f.write_bytes(GOOD + GOOD),
    "no header": lambda f: f.write_bytes(GOOD[:8]),
    "half a header": lambda f: f.write_bytes(GOOD[:40]),
    "huge header": lambda f: f.write_bytes(header(" " * 20, 2, 2**32 - 1)),
    "long header": lambda f: f.write_bytes(header(SHAPE % "(1, 4, 6)" + " " * 60000) + bytes(192)),
    "code in header": lambda f: f.write_bytes(header("__import__('os').mkdir('unpickled')\n")),
    "version 9": lambda f: f.write_bytes(header(SHAPE % "(1, 4, 6)", 9) + bytes(192)),
    "huge shape": lambda f: f.write_bytes(header(SHAPE % f"({10**30}, 4, 6)")),
    "negative shape": lambda f: f.write_bytes(header(SHAPE % "(-1, 4, 6)") + bytes(192)),
    "deep header": lambda f: f.write_bytes(header("[" * 5000)),
    "pickle": lambda f: f.write_bytes(pickle.dumps(Bomb())),
    "objects": lambda f: np.save(f, np.array([Bomb()], dtype=object), allow_pickle=True),
    "objects in npz": lambda f: np.savez(f, phi=np.array([Bomb()], dtype=object)),
    "records": lambda f: np.save(f, np.zeros((1, 4, 6), [("a", "f8")])),
    "integers": lambda f: np.save(f, np.zeros((1, 4, 6), int)),
    "booleans": lambda f: np.save(f, np.zeros((1, 4, 6), bool)),
    "half precision": lambda f: np.save(f, np.zeros((1, 4, 6), "f2")),
    "complex": lambda f: np.save(f, np.zeros((1, 4, 6), complex)),
    "strings": lambda f: np.save(f, np.full((1, 4, 6), "a")),
    "nan": lambda f: np.save(f, np.full((3, 4, 6), np.nan)),
    "infinity": lambda f: np.save(f, np.full((2, 3, 4, 6), -np.inf)),
    "fifo": lambda f: os.mkfifo(f),
    "directory": lambda f: f.mkdir(),
    "dangling link": lambda f: f.symlink_to("nowhere"),
    "device": lambda f: f.symlink_to("/dev/zero"),
    "broken zip": lambda f: f.write_bytes(b"PK\x03\x04" + bytes(100)),
    "empty zip": lambda f: zipfile.ZipFile(f, "w").close(),
    "zip of a truncated array": lambda f: zipped(f, GOOD[:-1]),
    "zip that lies": lambda f: zipped(f, GOOD[:150], len(GOOD)),
    "zip bomb": lambda f: zipped(f, header(SHAPE % "(1, 4, 6)") + bytes(10**8)),
    "zip bomb of a wrong shape": lambda f: zipped(f, header(SHAPE % "(12500000,)") + bytes(10**8)),
    "broken hdf5": lambda f: f.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)),
    "broken zarr": lambda f: (f.mkdir(), (f / "zarr.json").write_text("{")),
    "empty zarr group": lambda f: zarr.create_group(f),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_line_and_leave_nothing(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "in.npz" if "npz" in name else tmp_path / "in.npy"
    BAD[name](file)
    with pytest.raises(SqcliError) as caught:
        bring(tmp_path / "e", file)
    assert str(caught.value).startswith(str(file))
    assert len(str(caught.value).splitlines()) == 1
    assert nothing_left(tmp_path, file)


def test_the_draw_that_is_not_finite_is_named(tmp_path, fields):
    fields[1, 5, 2, 2] = np.inf
    with pytest.raises(SqcliError, match="draw 5 of chain 1 holds a value that is not a finite number"):
        bring(tmp_path / "e", saved(tmp_path / "in.npy", fields))


@pytest.mark.parametrize(
    ("dataset", "match"), [(None, "say which with --dataset: a, b"), ("c", "no array 'c'; there are: a, b")]
)
def test_which_array_is_asked_for(tmp_path, fields, dataset, match):
    np.savez(tmp_path / "in.npz", a=fields, b=fields)
    with pytest.raises(SqcliError, match=match):
        bring(tmp_path / "e", tmp_path / "in.npz", dataset=dataset)
    bring(tmp_path / "e", tmp_path / "in.npz", dataset="b")
    with pytest.raises(UsageError, match="without a name"):
        bring(tmp_path / "f", saved(tmp_path / "in.npy", fields), dataset="b")


def test_numbers_that_lie_in_other_files_are_not_followed(tmp_path, fields):
    h5py = pytest.importorskip("h5py")
    (tmp_path / "raw").write_bytes(fields.tobytes())
    with h5py.File(tmp_path / "in.h5", "w") as archive:
        archive.create_dataset("phi", fields.shape, "f8", external=[(str(tmp_path / "raw"), 0, fields.nbytes)])
        archive["far"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "phi")
    with pytest.raises(SqcliError, match="other files"):
        bring(tmp_path / "e", tmp_path / "in.h5")
    with pytest.raises(SqcliError, match="no array 'far'"):
        bring(tmp_path / "e", tmp_path / "in.h5", dataset="far")


class TestWhatIsThere:
    def test_is_erased_only_by_force_and_only_for_what_is_whole(self, tmp_path, fields):
        file = saved(tmp_path / "in.npy", fields)
        bring(tmp_path / "e", file)
        with pytest.raises(SqcliError, match="already"):
            bring(tmp_path / "e", file)
        bad = saved(tmp_path / "bad.npy", np.full_like(fields, np.nan))
        with pytest.raises(SqcliError, match="finite"):
            bring(tmp_path / "e", bad, force=True)
        np.testing.assert_array_equal(stored(tmp_path / "e"), fields)
        bring(tmp_path / "e", saved(tmp_path / "in.npy", 2 * fields), force=True)
        np.testing.assert_array_equal(stored(tmp_path / "e"), 2 * fields)

    def test_of_another_kind_stays(self, tmp_path, fields):
        (tmp_path / "e").mkdir()
        (tmp_path / "e" / "thesis.tex").touch()
        with pytest.raises(SqcliError, match="no sqcli ensemble"):
            bring(tmp_path / "e", saved(tmp_path / "in.npy", fields), force=True)
        assert (tmp_path / "e" / "thesis.tex").exists()

    def test_is_not_imported_into_itself(self, tmp_path, fields):
        bring(tmp_path / "e", saved(tmp_path / "in.npy", fields))
        with pytest.raises(SqcliError, match="choose another place"):
            bring(tmp_path / "e", tmp_path / "e" / "configurations" / "phi", force=True)
        with pytest.raises(SqcliError, match="ensemble of sqcli already"):
            bring(tmp_path / "f", tmp_path / "e")


def test_files_that_change_meanwhile_are_noticed(tmp_path, fields, monkeypatch):
    file = saved(tmp_path / "in.npy", fields)
    digest = import_._digest

    def changing(*arguments):
        found = digest(*arguments)
        with file.open("r+b") as handle:
            handle.seek(-8, os.SEEK_END)
            handle.write(b"\1" * 8)
        return found

    monkeypatch.setattr(import_, "_digest", changing)
    with pytest.raises(SqcliError, match="changed while they were read"):
        bring(tmp_path / "e", file)
    assert nothing_left(tmp_path, file)


KILLED = """
import os, signal, sys
from pathlib import Path
from sqcli import store
from sqcli.runs import import_
import_.BLOCK_BYTES = 1
left = int(sys.argv[1])
commit = store.Writer.commit
def counted(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    commit(*arguments)
store.Writer.commit = counted
request = import_.ImportRequest((Path("in.npy"),), Path("e"), "phi4", {"kappa": 0.2, "lambda": 0.1}, (4, 6))
import_.import_ensemble(request)
"""


@pytest.mark.parametrize("commits", [1, 2])
def test_a_kill_leaves_nothing_under_the_name(tmp_path, fields, commits):
    saved(tmp_path / "in.npy", fields)
    done = subprocess.run([sys.executable, "-c", KILLED, str(commits)], cwd=tmp_path, timeout=300)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "e").exists()
    bring(tmp_path / "e", tmp_path / "in.npy")
    np.testing.assert_array_equal(stored(tmp_path / "e"), fields)


def test_large_files_do_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(import_, "BLOCK_BYTES", 2**20)
    shape = (1, 96, 256, 256)  # 48 MiB
    array = np.lib.format.open_memmap(tmp_path / "in.npy", "w+", "f8", shape)
    array[0, :, 0, 0] = np.arange(96)
    del array
    tracemalloc.start()
    bring(tmp_path / "e", tmp_path / "in.npy", lattice=(256, 256))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 36 * 2**20
    assert open_ensemble(tmp_path / "e").fields(0, 95, 96)[0, 0, 0] == 95


def test_what_sqcli_exports_it_imports(tmp_path, fields):
    from sqcli.runs.export import export

    bring(tmp_path / "e", saved(tmp_path / "in.npy", fields))
    export(tmp_path / "e", tmp_path / "out.npz")
    bring(tmp_path / "again", tmp_path / "out.npz")
    first, again = (json.loads((tmp_path / name / "zarr.json").read_text())["attributes"] for name in ("e", "again"))
    assert first["identity"] == again["identity"]
