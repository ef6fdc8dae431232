import shutil
import signal
import warnings

import numpy as np
import pytest
import toychain
import zarr
from toychain import MEAN, SQUARE, series

from sqcli import store
from sqcli.errors import DamageError, SqcliError
from sqcli.store._arrays import Array


@pytest.fixture
def ensemble(tmp_path):
    """All of 24 draws of two chains."""
    path = store.create(tmp_path / "e", toychain.layout(chains=2), {})
    for chain in range(2):
        toychain.run(path, chain)
    return path


def assert_kept(path, name, expected):
    kept = store.read_observable(path, name)
    for got, want in zip(kept.values, expected, strict=True):
        np.testing.assert_array_equal(got, want)
    assert store.check(path) == []


def lengths(path):
    group = zarr.open_group(path, mode="r", use_consolidated=False)["observables"]
    return {array.shape[1] for _, array in group.arrays()}


def test_a_series_grows_with_the_ensemble(ensemble):
    store.write_observable(ensemble, "m", series(ensemble, stop=10), attributes=MEAN)
    store.write_observable(ensemble, "m", series(ensemble, start=10), start=10, attributes=MEAN)
    assert_kept(ensemble, "m", series(ensemble))
    store.extend(ensemble, 5000)  # beyond one chunk of 4096
    for chain in range(2):
        toychain.run(ensemble, chain, block=500)
    assert_kept(ensemble, "m", [x[:24] for x in series(ensemble)])
    store.write_observable(ensemble, "m", series(ensemble, start=20), start=20, attributes=MEAN)
    assert_kept(ensemble, "m", series(ensemble))
    assert store.observable_names(ensemble) == ["m"]
    assert store.read_observable(ensemble, "n") is None


def test_removing_what_was_measured_starts_anew(ensemble):
    store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN)
    shutil.rmtree(ensemble / "observables")
    assert store.read_observable(ensemble, "m") is None
    store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN)
    assert_kept(ensemble, "m", series(ensemble))


def test_components_and_complex_numbers(ensemble):
    matrix = [np.stack([x, 2j * x], axis=1) for x in series(ensemble)]
    store.write_observable(ensemble, "pair", matrix, components=("0", "1,2"), attributes=MEAN)
    assert_kept(ensemble, "pair", matrix)
    assert store.read_observable(ensemble, "pair").components == ("0", "1,2")
    store.write_observable(ensemble, "m", [x[:4] for x in series(ensemble)], attributes=MEAN)
    group = zarr.open_group(ensemble, mode="r", use_consolidated=False)["observables"]
    assert group["pair"].metadata.dimension_names == ("chain", "draw", "pair_component")
    np.testing.assert_array_equal(group["pair"][:], np.stack(matrix))
    assert group["m"].shape == (2, 24)
    assert np.isnan(group["m"][:, 4:]).all()


def test_nan_is_a_value_like_another(ensemble):
    values = [np.full(24, np.nan), np.arange(24.0)]
    store.write_observable(ensemble, "m", values, attributes=MEAN)
    assert_kept(ensemble, "m", values)


def test_chains_may_differ_in_length(ensemble):
    values = [x[:n] for x, n in zip(series(ensemble), (5, 0), strict=True)]
    store.write_observable(ensemble, "m", values, attributes=MEAN)
    assert_kept(ensemble, "m", values)
    rest = [x[n:] for x, n in zip(series(ensemble), (2, 0), strict=True)]
    store.write_observable(ensemble, "m", rest, start=[2, 0], attributes=MEAN)
    assert_kept(ensemble, "m", series(ensemble))


def test_grouped_chains(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(chains=5, draws=3, group=2), {})
    for group in range(3):
        toychain.run(path, group)
    store.write_observable(path, "m", series(path, stop=2), attributes=MEAN)
    store.write_observable(path, "m", series(path), attributes=MEAN)
    assert_kept(path, "m", series(path))


def test_another_definition_replaces_the_series(ensemble):
    store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN)
    with pytest.raises(SqcliError, match="another definition"):
        store.write_observable(ensemble, "m", series(ensemble, 2, 10), start=10, attributes=SQUARE)
    assert_kept(ensemble, "m", series(ensemble))
    store.write_observable(ensemble, "m", series(ensemble, 2, 0, 7), attributes=SQUARE)
    assert_kept(ensemble, "m", series(ensemble, 2, 0, 7))


def test_another_code_version_goes_on(ensemble):
    store.write_observable(ensemble, "m", series(ensemble, stop=7), attributes=MEAN)
    store.write_observable(ensemble, "m", series(ensemble, start=7), start=7, attributes=MEAN | {"code_version": "2"})
    assert_kept(ensemble, "m", series(ensemble))
    assert store.read_observable(ensemble, "m").attributes["code_version"] == "2"


def test_measuring_again_changes_no_byte(ensemble):
    store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN)
    before = {file: file.stat().st_mtime_ns for file in (ensemble / "observables").rglob("*")}
    store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN)
    assert before == {file: file.stat().st_mtime_ns for file in (ensemble / "observables").rglob("*")}


def test_gaps_and_uncommitted_draws_are_refused(ensemble):
    with pytest.raises(SqcliError, match="starts at draw 3"):
        store.write_observable(ensemble, "m", series(ensemble, start=3), start=3)
    with pytest.raises(SqcliError, match="more draws than are committed"):
        store.write_observable(ensemble, "m", [np.zeros(25)] * 2)
    with pytest.raises(ValueError):
        store.write_observable(ensemble, "m", [np.zeros(3)])
    with pytest.raises(ValueError):
        store.write_observable(ensemble, "../m", series(ensemble))


def test_damage_of_a_series_is_found(ensemble):
    store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN)
    chunk = ensemble / "observables" / "m" / "c.1.0"
    chunk.write_bytes(b"\1" + chunk.read_bytes()[1:])
    with pytest.raises(DamageError, match="checksum"):
        store.read_observable(ensemble, "m")
    assert [fault.path for fault in store.check(ensemble)] == [chunk]
    chunk.unlink()
    assert [fault.path for fault in store.check(ensemble)] == [chunk]
    metadata = chunk.with_name("zarr.json")
    metadata.write_text(metadata.read_text().replace('"measured"', '"counted"'))
    assert [fault.path for fault in store.check(ensemble)] == [metadata]


def test_many_measurements_beside_a_running_writer(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(1, 60), {}, durable=False)
    writer = toychain.start(toychain.run, path, block=1)
    while writer.is_alive():
        processes = [toychain.start(toychain.measure, path, f"own{i}") for i in range(3)]
        assert [toychain.finish(process) for process in processes] == [0, 0, 0]
        assert store.check(path) == []
    assert toychain.finish(writer) == 0
    processes = [toychain.start(toychain.measure, path, f"own{i}") for i in range(3)]
    assert [toychain.finish(process) for process in processes] == [0, 0, 0]
    for name in ("own0", "own1", "own2", "shared"):
        assert_kept(path, name, series(path))
    assert lengths(path) == {60}


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_a_killed_measurement_counts_nothing_that_is_not_there(ensemble, tmp_path, step):
    """Killed before every `step`-th file system mutation."""
    powers = {"mean of φ": series(ensemble), "mean of φ²": series(ensemble, 2)}
    seen, mutation, code = set(), 1 - step, -signal.SIGKILL
    while code:
        mutation += step
        copy = tmp_path / f"copy{mutation}"
        shutil.copytree(ensemble, copy)
        code = toychain.finish(toychain.start(toychain.kill_before, mutation, copy, toychain.measure_variously, copy))
        assert code in (0, -signal.SIGKILL)
        assert store.check(copy) == []
        for name in store.observable_names(copy):
            kept = store.read_observable(copy, name)
            expected = powers[kept.attributes["definition"]]
            seen.add((name, *(len(x) for x in kept.values)))
            for got, want in zip(kept.values, expected, strict=True):
                np.testing.assert_array_equal(got, want[: len(got)])
        store.write_observable(copy, "a", powers["mean of φ²"], attributes=SQUARE, durable=False)
        store.write_observable(copy, "b", powers["mean of φ²"], attributes=SQUARE, durable=False)
        assert lengths(copy) == {24}
        shutil.rmtree(copy)
    assert mutation > 30
    if step == 1:
        assert {("a", 5, 5), ("a", 0, 0), ("a", 3, 3), ("a", 24, 24), ("b", 24, 24)} <= seen


def test_zarr_and_xarray_open_the_ensemble_as_it_is(ensemble):
    xarray = pytest.importorskip("xarray")
    store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN)
    pair = [np.stack([x, -x], axis=1) for x in series(ensemble)]
    store.write_observable(ensemble, "pair", pair, components=("1", "2"), attributes=MEAN)
    phi = np.stack([toychain.reference(chain, 24, (4, 4))[0] for chain in range(2)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with store.Writer(ensemble, 0):  # lock files must not be in the way
            tree = xarray.open_datatree(ensemble, engine="zarr", consolidated=False)
            group = zarr.open_group(ensemble, mode="r", use_consolidated=False)
            arrays = [node for _, node in group.members(max_depth=None) if isinstance(node, zarr.Array)]
    np.testing.assert_array_equal(tree["configurations/phi"].values, phi)
    assert tree["configurations/phi"].dims == ("chain", "draw", "x", "y")
    assert tree["observables/m"].sizes == {"chain": 2, "draw": 24}
    assert len(arrays) == 8
    for array in arrays:
        assert "crc32c" in str(array.metadata.codecs).lower()
        assert len(array.metadata.dimension_names) == array.ndim
        array[...]
    assert group["configurations/phi"].fill_value != group["configurations/phi"].fill_value  # NaN
    assert group["sample_stats/accepted"].fill_value == -1
    assert group.attrs["format_version"] == 1


def test_the_xarray_view_is_cut_to_committed_draws_and_labelled(tmp_path):
    pytest.importorskip("xarray")
    path = store.create(tmp_path / "e", toychain.layout(chains=2), {"theory": "toy"})
    toychain.run(path, 0, target=20)
    toychain.run(path, 1, target=8)
    pair = [np.stack([x, -x], axis=1) for x in series(path)]
    store.write_observable(path, "pair", pair, components=("1", "2"))
    tree = store.open_ensemble(path).to_xarray()
    assert tree.attrs["theory"] == "toy"
    assert tree["configurations/phi"].sizes["draw"] == tree["sample_stats/delta_h"].sizes["draw"] == 8
    np.testing.assert_array_equal(tree["observables/pair"].sel(pair_component="2")[0], -series(path)[0])


def test_arviz_summarises_the_observables(ensemble):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("arviz_base")
    pytest.importorskip("xarray_einstats")
    stats = pytest.importorskip("arviz_stats")
    store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN)
    tree = xarray.open_datatree(ensemble, engine="zarr", consolidated=False)
    table = stats.summary(tree, group="observables", kind="stats", round_to="none")
    assert float(table.loc["m", "mean"]) == pytest.approx(np.mean(series(ensemble)))
    assert np.isfinite(float(stats.rhat(tree, group="observables")["m"]))


def test_consolidated_metadata_is_dropped_when_lengths_change(ensemble):
    """A reader that trusts it would see the old length."""
    for change in (
        lambda: store.extend(ensemble, 30),
        lambda: store.write_observable(ensemble, "m", series(ensemble), attributes=MEAN),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zarr: not yet part of the v3 specification
            zarr.consolidate_metadata(str(ensemble))
        change()
        group = zarr.open_group(ensemble, mode="r")
        assert group.metadata.consolidated_metadata is None
        assert group["configurations/phi"].shape[1] == 30


def test_a_chunk_that_chains_share_is_read_once(tmp_path, monkeypatch):
    path = store.create(tmp_path / "e", toychain.layout(50, 4, (2, 2), 16), {}, durable=False)
    for group in range(4):
        toychain.run(path, group)
    series = [np.arange(4.0) + 10 * chain for chain in range(50)]
    store.write_observable(path, "mean", series, attributes=toychain.MEAN, durable=False)
    read, chunks = Array.read_chunk, []
    monkeypatch.setattr(Array, "read_chunk", lambda self, *place: chunks.append(place) or read(self, *place))
    kept = store.read_observable(path, "mean")
    np.testing.assert_array_equal(kept.values, series)
    assert sorted(chunks) == [(group, 0) for group in range(4)]
