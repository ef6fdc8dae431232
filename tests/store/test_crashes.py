"""The promise: after kill −9 at any instant or a full disk a reader sees exactly the committed draws, and running again
ends bit for bit where an unbroken run ends.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import toychain

from sqcli import store
from sqcli.errors import SqcliError


def kill_at_random(tmp_path, writers, kills):
    """Kill `writers` processes again and again; the number of ensembles that were finished in between."""
    finished, rng, path = 0, random.Random(writers), tmp_path / "e0"
    counts = np.zeros(writers, int)
    while kills > 0:
        if not path.exists():
            store.create(path, toychain.layout(writers, 150, (16, 16)), {}, durable=False)
        processes = [
            toychain.start(toychain.run, path, chain, block=3, durable=chain % 2 == 0) for chain in range(writers)
        ]
        time.sleep(rng.uniform(0.02, 0.2))
        for process in processes:
            process.kill()
        codes = [toychain.finish(process) for process in processes]
        assert set(codes) <= {0, -signal.SIGKILL}
        kills -= codes.count(-signal.SIGKILL)
        before, counts = counts, toychain.assert_sound(path)
        assert (counts >= before).all()
        if counts.min() == 150:
            finished, counts = finished + 1, np.zeros(writers, int)
            shutil.rmtree(path)
            path = tmp_path / f"e{finished}"
    if path.exists():
        for chain in range(writers):
            toychain.run(path, chain)
        assert list(toychain.assert_sound(path)) == [150] * writers


@pytest.mark.parametrize(("writers", "kills"), [(1, 6), (4, 12)])
def test_kill_at_random_instants(tmp_path, writers, kills):
    kill_at_random(tmp_path, writers, kills)


@pytest.mark.slow
@pytest.mark.parametrize(("writers", "kills"), [(1, 100), (4, 200)])
def test_kill_at_many_random_instants(tmp_path, writers, kills):
    kill_at_random(tmp_path, writers, kills)


def sweep(tmp_path, step):
    """Kill before every `step`-th file system mutation of: create, run, extend, run."""
    base = tmp_path / "sweep"
    path = base / "e"

    def dies(mutation):
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        process = toychain.start(toychain.kill_before, mutation, base, toychain.build_and_run, path, extend_to=9)
        return toychain.finish(process)

    assert dies(0) == 0
    total = int((base / "mutations").read_text())
    assert total > 50
    for mutation in range(1, total + 1, step):
        assert dies(mutation) == -signal.SIGKILL
        if path.exists():
            toychain.assert_sound(path)
        toychain.build_and_run(path, extend_to=9)
        assert list(toychain.assert_sound(path)) == [9]
        lengths = {
            array.shape[1] for name, array in store.open_ensemble(path).arrays.items() if "checkpoint" not in name
        }
        assert lengths == {9}


def test_kill_before_some_file_system_mutations(tmp_path):
    sweep(tmp_path, 9)


@pytest.mark.slow
def test_kill_before_each_file_system_mutation(tmp_path):
    sweep(tmp_path, 1)


def test_an_extension_cut_short_is_finished_by_the_next_writer(tmp_path):
    """Killed between the promise (`target_draws`) and the arrays' growth."""
    path = store.create(tmp_path / "e", toychain.layout(draws=6, site=(2, 2)), {})
    toychain.run(path)
    mutation = 0
    while True:
        mutation += 1
        copy = tmp_path / f"copy{mutation}"
        shutil.copytree(path, copy)
        process = toychain.start(toychain.kill_before, mutation, copy, store.extend, copy, 30)
        if toychain.finish(process) == 0:
            break
        assert list(toychain.assert_sound(copy)) == [6]
        ensemble = store.open_ensemble(copy)
        toychain.run(copy)  # goes on to whatever target survived
        assert list(toychain.assert_sound(copy)) == [ensemble.target_draws]
        assert len({array.shape[1] for name, array in ensemble.arrays.items() if "checkpoint" not in name}) <= 2
        assert store.extend(copy, 30) == 30
        toychain.run(copy)
        assert list(toychain.assert_sound(copy)) == [30]
    assert mutation > 5


def test_a_reader_beside_a_running_writer_sees_committed_draws_only(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(2, 120, (8, 8)), {})
    processes = [toychain.start(toychain.run, path, chain, block=2) for chain in range(2)]
    looks, seen = 0, 0
    while any(process.is_alive() for process in processes):
        counts = toychain.assert_sound(path)
        assert counts.sum() >= seen
        seen, looks = counts.sum(), looks + 1
    assert [toychain.finish(process) for process in processes] == [0, 0]
    assert list(toychain.assert_sound(path)) == [120, 120]
    assert looks > 0


def test_extension_beside_a_running_writer(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(1, 100, (8, 8)), {})
    process = toychain.start(toychain.run, path, block=1)
    for target in range(101, 131, 3):
        store.extend(path, target)
    assert toychain.finish(process) == 0
    assert toychain.assert_sound(path)[0] >= 100
    toychain.run(path)
    assert list(toychain.assert_sound(path)) == [128]


def test_of_two_processes_on_one_chain_one_is_busy(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(1, 300, (8, 8)), {})
    codes = [toychain.finish(p) for p in [toychain.start(toychain.run, path, block=1) for _ in range(2)]]
    assert sorted(codes) == [0, 1]
    assert list(toychain.assert_sound(path)) == [300]


def test_of_many_creators_one_wins(tmp_path):
    codes = [
        toychain.finish(p)
        for p in [toychain.start(store.create, tmp_path / "e", toychain.layout(), {}) for _ in range(4)]
    ]
    assert sorted(codes) == [0, 1, 1, 1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["e"]
    toychain.assert_sound(tmp_path / "e")


@contextlib.contextmanager
def small_disk(directory, size):
    """A tmpfs of `size` KiB, where this machine lets us mount one; yields a function that changes the size."""
    directory.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(directory)]
    if os.geteuid() or not mount or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system here")
    try:
        yield lambda new: subprocess.run([mount, "-o", f"remount,size={new}k", str(directory)], check=True)
    finally:
        subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.parametrize("size", [300, 420, 600])
def test_full_disk_loses_nothing(tmp_path, size, monkeypatch):
    monkeypatch.setattr("sqcli.store._creation.require_space", lambda *_: None)
    with small_disk(tmp_path / "disk", size) as resize:
        path = store.create(tmp_path / "disk" / "e", toychain.layout(1, 400, (16, 16)), {})
        for _ in range(2):  # full stays full, and trying again harms nothing
            with pytest.raises(SqcliError, match=r"no space left.*run again"):
                toychain.run(path, block=16, durable=True)
            assert toychain.assert_sound(path)[0] < 400
        assert not list(path.rglob("*.partial"))
        resize(20000)
        toychain.run(path, block=16)
        assert list(toychain.assert_sound(path)) == [400]


def test_the_writer_itself_can_go_on_once_there_is_space(tmp_path):
    with small_disk(tmp_path / "disk", 400) as resize:
        path = store.create(tmp_path / "disk" / "e", toychain.layout(1, 100, (8, 8), stats={}), {})
        draws = np.random.default_rng(0).standard_normal((1, 100, 8, 8))
        with store.Writer(path) as writer:
            writer.commit(draws[:, :10], {}, draws[:, 9], [b"a"], 0)
            filler = tmp_path / "disk" / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as handle:
                while handle.write(bytes(4096)):
                    pass
            with pytest.raises(SqcliError, match="no space left"):
                writer.commit(draws[:, 10:90], {}, draws[:, 89], [b"b"], 0)
            assert writer.draws == 10
            np.testing.assert_array_equal(store.open_ensemble(path).fields(0), draws[0, :10])
            resize(2000)
            writer.commit(draws[:, 10:40], {}, draws[:, 39], [b"b"], 0)
        np.testing.assert_array_equal(store.open_ensemble(path).fields(0), draws[0, :40])
        assert store.check(path) == []


@pytest.mark.parametrize("limit", [5_000, 300_000])
def test_file_size_limit_loses_nothing(tmp_path, limit):
    path = store.create(tmp_path / "e", toychain.layout(1, 400, (16, 16)), {})
    assert toychain.finish(toychain.start(toychain.limited_run, path, limit)) == 1
    toychain.assert_sound(path)
    toychain.run(path, block=16)
    assert list(toychain.assert_sound(path)) == [400]
