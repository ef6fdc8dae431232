"""Every array the store writes, opened with zarr itself; and arrays of other programs."""

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toychain
import zarr
from numcodecs import Delta, Zlib

from sqcli import store
from sqcli.errors import SqcliError
from sqcli.store._arrays import Array, fill_value
from sqcli.store._records import SEQ, SLOT, encode_state
from sqcli.store._writing import read_checkpoint

EXAMPLE = Path(__file__).parents[2] / "ensembles" / "example"
PLAIN = toychain.layout(chains=2, draws=12)
GROUPS = toychain.layout(chains=5, draws=12, group=2)
LINKS = replace(GROUPS, field="u", site=(2, 3, 2), site_dims=("mu", "x", "y"), dtype="complex128")
DONE, HALF = (12, 12, 12), (7, 12, 0)
CASES = {
    "one chain": (replace(PLAIN, chains=1), DONE, None),
    "finished": (PLAIN, DONE, None),
    "half done": (PLAIN, (7, 12), None),
    "not begun": (PLAIN, (0, 0), None),
    "chain groups": (GROUPS, DONE, None),
    "chain groups half done": (GROUPS, HALF, None),
    "extended": (GROUPS, (20, 12, 20), 20),
    "extended half done": (GROUPS, HALF, 5000),
    "float32": (replace(GROUPS, dtype="float32"), HALF, None),
    "complex links": (LINKS, DONE, None),
    "complex64": (replace(LINKS, dtype="complex64"), HALF, None),
    "one site": (replace(GROUPS, site=(1,), site_dims=("x",)), HALF, None),
    "no statistics": (replace(GROUPS, stats={}), HALF, None),
}


def numbers(rng, dtype, shape):
    values = rng.normal(size=(2, *shape))
    return (values[0] + 1j * values[1] if np.dtype(dtype).kind == "c" else values[0]).astype(dtype)


def commit(path, group, target, rng):
    """Random draws up to `target`, five a commit."""
    with store.Writer(path, group, durable=False) as writer:
        layout, g = writer.layout, len(writer.chains)
        while writer.draws < target:
            n = min(5, target - writer.draws)
            draws, fields = (numbers(rng, layout.dtype, (g, *k, *layout.site)) for k in ((n,), ()))
            stats = {name: rng.integers(-1, 2, (g, n)).astype(dtype) for name, dtype in layout.stats.items()}
            writer.commit(draws, stats, fields, [rng.bytes(30) for _ in range(g)], 3)


def measure(path, rng):
    """A series of numbers, one with components, and a complex one that is shorter than the committed draws."""
    draws = store.open_ensemble(path).draws
    store.write_observable(path, "mean", [rng.normal(size=n) for n in draws], attributes=toychain.MEAN, durable=False)
    for name, cut, dtype in (("pair", 0, "f8"), ("loops.sizes-1x1_2x2", 3, "c16")):
        series = [numbers(rng, dtype, (max(n - cut, 0), 2)) for n in draws]
        store.write_observable(path, name, series, components=("1x1", "2x2"), durable=False)


@pytest.fixture(params=["written by generate", *CASES])
def ensemble(tmp_path, request, rng):
    if request.param == "written by generate":
        return store.open_ensemble(EXAMPLE)
    layout, draws, longer = CASES[request.param]
    path = store.create(tmp_path / "e", layout, {"theory": "toy", "parameters": {"kappa": 0.25}}, durable=False)
    for group in range(layout.groups):
        commit(path, group, min(draws[group], 12), rng)
    if longer:
        measure(path, rng)
        store.extend(path, longer, durable=False)
        for group in range(layout.groups):
            commit(path, group, draws[group], rng)
    measure(path, rng)
    return store.open_ensemble(path)


def committed(ensemble, name):
    """What our reader has of an array: one piece per chain."""
    group, _, last = name.partition("/")
    if group == "configurations":
        return [ensemble.fields(chain) for chain in range(ensemble.chains)]
    if group == "sample_stats":
        return ensemble.stat(last)
    return store.read_observable(ensemble.path, last).values


def test_zarr_sees_every_array_as_our_reader_does(ensemble):
    found = {name: node for name, node in ensemble.zarr.members(max_depth=None) if isinstance(node, zarr.Array)}
    files = ensemble.path.rglob("*/zarr.json")
    written = {str(file.parent.relative_to(ensemble.path)) for file in files if "shape" in json.loads(file.read_text())}
    assert set(found) == written
    assert written == {*ensemble.arrays, *(f"observables/{name}" for name in store.observable_names(ensemble.path))}
    for name, array in found.items():
        ours = Array.load(ensemble.path / name)
        assert (array.shape, array.chunks, array.dtype) == (ours.shape, ours.chunks, ours.dtype)
        assert array.metadata.dimension_names == ours.dims
        assert {key: value for key, value in array.attrs.items() if key != "checksum"} == ours.attributes
        np.testing.assert_array_equal(array.fill_value, fill_value(ours.dtype))
        if not name.startswith("checkpoint/"):
            for values, expected in zip(array[:], committed(ensemble, name), strict=True):
                np.testing.assert_array_equal(values[: len(expected)], expected)
                np.testing.assert_array_equal(values[len(expected) :], fill_value(ours.dtype))


def test_zarr_sees_the_attributes_and_groups(ensemble):
    group = ensemble.zarr
    assert dict(group.attrs) == ensemble.attrs
    assert {name for name, _ in group.groups()} == {"configurations", "sample_stats", "observables", "checkpoint"}


def test_zarr_sees_records_and_checkpoints_as_our_reader_does(ensemble):
    record, field, rng = (ensemble.zarr[f"checkpoint/{name}"] for name in ("record", "field", "rng"))
    np.testing.assert_array_equal(record[:], ensemble.records)
    for group in range(ensemble.layout.groups):
        chains = slice(
            group * ensemble.layout.chain_group, min((group + 1) * ensemble.layout.chain_group, ensemble.chains)
        )
        rows = ensemble.records[chains]
        slot = int(rows[0, SLOT])
        if rows[0, SEQ]:
            fields, states = read_checkpoint(ensemble.arrays, group, slot, len(rows))
            np.testing.assert_array_equal(field[chains, slot], fields)
            np.testing.assert_array_equal(rng[chains, slot], [encode_state(s, rng.shape[-1]) for s in states])


@pytest.fixture
def small(tmp_path):
    path = store.create(tmp_path / "e", PLAIN, {}, durable=False)
    toychain.run(path, 0)
    return store.open_ensemble(path)


def test_the_group_is_read_only_and_opened_anew(small):
    with pytest.raises(Exception, match=r"read.only"):
        small.zarr["configurations/phi"][0, 0] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr: not yet part of the v3 specification
        zarr.consolidate_metadata(str(small.path))
    store.extend(small.path, 99)
    assert small.zarr["configurations/phi"].shape[1] == 99
    shutil.rmtree(small.path)
    with pytest.raises(SqcliError, match=rf"^{re.escape(str(small.path))}: no Zarr group that can be read \(.*\)$"):
        _ = small.zarr


def test_zarr_is_loaded_only_when_asked_for(small):
    program = (
        "import sys; from sqcli import store; e = store.open_ensemble(sys.argv[1]); e.fields(0); e.stat('delta_h'); "
        "assert 'zarr' not in sys.modules; assert e.zarr['sample_stats/delta_h'].shape == (2, 12)"
    )
    subprocess.run([sys.executable, "-c", program, small.path], check=True)


FOREIGN = {
    "format 2": {"zarr_format": 2, "chunks": (3, 2, 4), "compressors": Zlib()},
    "format 2, big endian, Fortran order": {"zarr_format": 2, "chunks": (2, 5, 4), "dtype": ">f4", "order": "F"},
    "format 2, filtered": {"zarr_format": 2, "chunks": (2, 5, 4), "dtype": "<i4", "filters": Delta("<i4")},
    "format 3": {"chunks": (3, 5, 3)},
    "format 3, transposed and not compressed": {
        "chunks": (3, 5, 3),
        "dtype": "c8",
        "filters": zarr.codecs.TransposeCodec(order=(2, 0, 1)),
        "compressors": None,
    },
    "format 3, shards": {"chunks": (2, 1, 2), "shards": (4, 5, 4), "dtype": "u2"},
    "format 3, codecs of format 2": {"chunks": (4, 5, 4), "dtype": "i4", "filters": ["delta"]},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_arrays_of_other_programs_are_read_whole_or_in_part(tmp_path, rng, name):
    options = {"dtype": "f8", **FOREIGN[name]}
    values = (100 * rng.normal(size=(8, 5, 4))).astype(options["dtype"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr: some codecs are not part of the specification
        if options.get("filters") == ["delta"]:
            options["filters"] = zarr.codecs.numcodecs.Delta(dtype="int32")
        array = zarr.create_array(tmp_path / "a", shape=values.shape, **options)
        array[:] = values
    opened = store.open_foreign(tmp_path / "a")
    assert (opened.shape, opened.dtype) == (values.shape, values.dtype)
    whole = store.read_foreign(tmp_path / "a")
    np.testing.assert_array_equal(whole, values)
    assert whole.dtype.isnative
    np.testing.assert_array_equal(store.read_foreign(tmp_path / "a", np.s_[2:7, 3]), values[2:7, 3])
    with pytest.raises(Exception, match=r"read.only"):
        opened[0] = 0


def test_a_missing_chunk_of_another_program_is_fill_values(tmp_path):
    zarr.create_array(tmp_path / "a", shape=(4, 2), chunks=(2, 2), dtype="f4", fill_value=7)[2:] = 1
    np.testing.assert_array_equal(store.read_foreign(str(tmp_path / "a")), [[7, 7], [7, 7], [1, 1], [1, 1]])


class Burglar:
    """A pickle that makes a directory."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def alter(path, **changes):
    file = path / ".zarray" if (path / ".zarray").exists() else path / "zarr.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def as_file(path):
    shutil.rmtree(path)
    path.write_text("numbers")


def as_group(path, zarr_format):
    shutil.rmtree(path)
    zarr.create_group(path, zarr_format=zarr_format)


def as_format_2(path, **changes):
    shutil.rmtree(path)
    array = zarr.create_array(path, shape=(2,), chunks=(2,), dtype="<f8", zarr_format=2, compressors=None, filters=None)
    array[:] = 1
    alter(path, **changes)


def as_pickle(path, dtype, **codecs):
    as_format_2(path, dtype=dtype, **codecs)
    (path / "0").write_bytes(pickle.dumps(Burglar(path.parent / "burgled")))


NO_ARRAY = {
    "nothing": (shutil.rmtree, "no such array"),
    "a file": (as_file, "no directory with"),
    "a plain directory": (lambda p: (p / "zarr.json").unlink(), "no directory with"),
    "a group": (lambda p: as_group(p, 3), "is a Zarr group"),
    "a group of format 2": (lambda p: as_group(p, 2), "is a Zarr group"),
    "no JSON": (lambda p: (p / "zarr.json").write_bytes(b"\xff{"), "no Zarr array"),
    "a list": (lambda p: (p / "zarr.json").write_text("[]"), "no Zarr array"),
    "half the metadata": (lambda p: (p / "zarr.json").write_text('{"zarr_format": 3, "node_type": "array"}'), "no Z"),
    "another format": (lambda p: alter(p, zarr_format=4), "no Zarr array"),
    "an unknown codec": (lambda p: alter(p, codecs=[{"name": "enigma"}]), "enigma"),
    "an unknown type": (lambda p: alter(p, data_type="float63"), "float63"),
    "text": (lambda p: alter(p, data_type="string", fill_value="", codecs=[{"name": "vlen-utf8"}]), "not numbers"),
    "times": (lambda p: as_format_2(p, dtype="<M8[s]", fill_value=0), "not numbers"),
    "pickled objects": (lambda p: as_pickle(p, "|O", filters=[{"id": "pickle"}]), "no Zarr array"),
    "pickled numbers": (lambda p: as_pickle(p, "<f8", compressor={"id": "pickle"}), "no Zarr array"),
    "pickles behind text": (lambda p: as_pickle(p, "|O", filters=[{"id": "vlen-utf8"}, {"id": "pickle"}]), "no"),
    "a short chunk": (lambda p: (p / "c" / "0").write_bytes(b"\0"), "cannot be read"),
    "impossibly many": (lambda p: alter(p, shape=[2**60]), "cannot be read"),
}


@pytest.mark.filterwarnings("ignore:The data type")  # zarr: text is not part of the specification
@pytest.mark.parametrize("name", NO_ARRAY)
def test_what_is_no_array_of_numbers_gives_one_line(tmp_path, name):
    spoil, fault = NO_ARRAY[name]
    path = tmp_path / "a"
    zarr.create_array(path, shape=(2,), chunks=(2,), dtype="f8")[:] = 1
    spoil(path)
    with pytest.raises(SqcliError, match=re.escape(fault)) as error:
        store.read_foreign(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "burgled").exists()
