import errno
import threading

import numpy as np
import pytest
import toychain
from hypothesis import given, settings
from hypothesis import strategies as st

from sqcli import store
from sqcli.errors import BusyError, DamageError, SqcliError


def test_a_chain_is_read_as_it_was_written(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(chains=3), {"theory": "toy"})
    for group in range(3):
        toychain.run(path, group, durable=True)
    np.testing.assert_array_equal(toychain.assert_sound(path), [24, 24, 24])
    ensemble = store.open_ensemble(path)
    assert ensemble.finished
    assert [ensemble.warmup_done(chain) for chain in range(3)] == [toychain.WARMUP] * 3
    assert ensemble.attrs["theory"] == "toy"


def test_an_untouched_ensemble_is_empty_and_sound(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(chains=2), {})
    ensemble = store.open_ensemble(path)
    assert list(ensemble.draws) == [0, 0]
    assert list(ensemble.blocks()) == []
    assert [len(x) for x in ensemble.stat("delta_h")] == [0, 0]
    assert ensemble["phi"][:].shape == (2, 0, 4, 4)
    assert not ensemble.finished
    assert store.check(path) == []


def test_warmup_is_committed_without_draws(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(), {})
    with store.Writer(path) as writer:
        assert writer.checkpoint is None
        toy = toychain.Toy(0, (4, 4))
        toy.step()
        toychain.commit(writer, [toy], 0, 1)
    with store.Writer(path) as writer:
        assert (writer.draws, writer.warmup) == (0, 1)
        fields, states = writer.checkpoint
        np.testing.assert_array_equal(fields[0], toy.phi)
        assert states == [toy.state()]


def test_states_may_end_in_zero_bytes(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(stats={}), {})
    with store.Writer(path) as writer:
        writer.commit(np.empty((1, 0, 4, 4)), {}, np.zeros((1, 4, 4)), [b"ab\0\0"], 0)
        assert writer.checkpoint[1] == [b"ab\0\0"]


@pytest.mark.parametrize(("chains", "group"), [(5, 2), (4, 4), (7, 3)])
def test_grouped_chains_share_chunks_and_come_back_in_order(tmp_path, chains, group):
    path = store.create(tmp_path / "e", toychain.layout(chains=chains, draws=6, group=group), {})
    ensemble = store.open_ensemble(path)
    for index in range(ensemble.layout.groups):
        toychain.run(path, index, block=4)
    toychain.assert_sound(path)
    ensemble.refresh()
    seen = {}
    for block in ensemble.blocks(max_bytes=1):
        rows = ensemble.read_block(block)
        seen |= {(c, d): field for c, d, field in zip(rows.chain, rows.draw, rows.fields, strict=True)}
    assert sorted(seen) == [(c, d) for c in range(chains) for d in range(6)]
    assert all((field == ensemble["phi"][c, d]).all() for (c, d), field in seen.items())


def test_blocks_follow_chunks_and_respect_the_size(tmp_path):
    site = (64, 64)  # 32 KiB a draw, 128 draws a chunk
    path = store.create(tmp_path / "e", toychain.layout(chains=2, draws=300, site=site, stats={}), {})
    with store.Writer(path, durable=False) as writer:
        draws = np.arange(300.0)[None, :, None, None] * np.ones((1, 1, *site))
        writer.commit(draws, {}, draws[:, -1], [b""], 0)
    ensemble = store.open_ensemble(path)
    assert [(b.start, b.stop) for b in ensemble.blocks(5 * 2**20)] == [(0, 128), (128, 256), (256, 300)]
    assert [(b.start, b.stop) for b in ensemble.blocks(9 * 2**20)] == [(0, 256), (256, 300)]
    np.testing.assert_array_equal(ensemble.fields(0, 120, 140)[:, 3, 5], np.arange(120, 140))


def test_short_chains_share_blocks(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(chains=6, draws=4), {})
    for chain in (0, 1, 2, 4):
        toychain.run(path, chain)
    blocks = list(store.open_ensemble(path).blocks())
    assert [list(block.chains) for block in blocks] == [[0, 1, 2], [4]]


@pytest.mark.parametrize(
    "key",
    [
        0,
        (1, 2),
        Ellipsis,
        (Ellipsis, 1),
        (0, Ellipsis, slice(2)),
        (slice(None), -1),
        (slice(None, None, -1), slice(20, 3, -2)),
        (1, slice(3, 3)),
        (slice(1, None), slice(2, 9), 0, 3),
        (-1, -3, 1, slice(None, None, 2)),
    ],
)
def test_lazy_array_indexes_like_numpy(tmp_path, key):
    path = store.create(tmp_path / "e", toychain.layout(chains=2), {})
    for chain in range(2):
        toychain.run(path, chain)
    whole = np.stack([toychain.reference(chain, 24, (4, 4))[0] for chain in range(2)])
    lazy = store.open_ensemble(path)["phi"]
    np.testing.assert_array_equal(lazy[key], whole[key])
    assert lazy.shape == whole.shape
    np.testing.assert_array_equal(np.asarray(lazy), whole)


def test_only_what_every_chain_committed_is_seen_as_one_array(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(chains=2), {})
    toychain.run(path, 0, target=20)
    toychain.run(path, 1, target=8)
    ensemble = store.open_ensemble(path)
    assert ensemble["phi"].shape == (2, 8, 4, 4)
    assert ensemble["delta_h"].shape == (2, 8)
    with pytest.raises(IndexError):
        ensemble["phi"][0, 8]
    with pytest.raises(IndexError):
        ensemble.fields(1, 0, 9)


def test_a_second_writer_is_told_who_holds_the_chain(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(chains=2), {})
    with store.Writer(path, 1), pytest.raises(BusyError, match=r"chain 1 .*process \d+"), store.Writer(path, 1):
        pass
    with store.Writer(path, 1):
        pass


def test_a_writer_notices_another_where_locks_do_not_hold(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    path = store.create(tmp_path / "e", toychain.layout(), {})
    with store.Writer(path) as first, store.Writer(path) as second:
        with pytest.raises(BusyError, match="locks do not hold"):
            toychain.commit(first, [toychain.Toy(0, (4, 4))], 2, 0)
        toychain.commit(second, [toychain.Toy(0, (4, 4))], 2, 0)
    assert list(store.open_ensemble(path).draws) == [2]


def test_a_file_system_without_flock_is_named_as_such(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    path = store.create(tmp_path / "e", toychain.layout(), {})
    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.raises(SqcliError, match="no flock"), store.Writer(path):
        pass


def test_threads_write_different_chains(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(chains=4), {})
    threads = [threading.Thread(target=toychain.run, args=(path, chain)) for chain in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(toychain.assert_sound(path)) == [24] * 4


def test_wrong_lengths_are_refused_before_anything_is_written(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(draws=4), {})
    state, field = [b""], np.zeros((1, 4, 4))
    numbers = {"accepted": np.zeros((1, 2)), "delta_h": np.zeros((1, 2))}
    with store.Writer(path) as writer:
        for draws, stats, fields, states in [
            (np.zeros((1, 2, 4, 5)), numbers, field, state),
            (np.zeros((2, 2, 4, 4)), numbers, field, state),
            (np.zeros((1, 3, 4, 4)), numbers, field, state),
            (np.zeros((1, 2, 4, 4)), {"accepted": np.zeros((1, 2))}, field, state),
            (np.zeros((1, 2, 4, 4)), numbers, field[0], state),
            (np.zeros((1, 2, 4, 4)), numbers, field, state * 2),
            (np.zeros((1, 2, 4, 4)), numbers, field, [bytes(1021)]),
        ]:
            with pytest.raises(ValueError):
                writer.commit(draws, stats, fields, states, 0)
        long = {name: np.zeros((1, 5)) for name in numbers}
        with pytest.raises(SqcliError, match="4 allocated"):
            writer.commit(np.zeros((1, 5, 4, 4)), long, field, state, 0)
        assert writer.draws == 0
    assert not list((path / "configurations" / "phi").glob("c*"))


def test_a_writer_refuses_to_go_on_from_damage(tmp_path):
    path = store.create(tmp_path / "e", toychain.layout(), {})
    toychain.run(path, target=10)
    file = path / "configurations" / "phi" / "c.0.0.0.0"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(DamageError), store.Writer(path):
        pass


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(0, 1), st.integers(0, 9)),
        st.tuples(st.just("extend"), st.just(0), st.integers(0, 30)),
        st.tuples(st.just("reopen"), st.integers(0, 1), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None, database=None, derandomize=True)
@given(steps=_STEPS, group=st.sampled_from([1, 2]), draws=st.integers(0, 12))
def test_any_history_equals_a_list(tmp_path_factory, steps, group, draws):
    """Hypothesis: after any sequence of commits, extensions and new writers an ensemble equals a plain list."""
    path = store.create(tmp_path_factory.mktemp("h") / "e", toychain.layout(3, draws, (2,), group), {}, durable=False)
    groups = store.open_ensemble(path).layout.groups
    model, target = [0] * groups, draws
    writers = [store.Writer(path, i, durable=False).__enter__() for i in range(groups)]
    toys = [[toychain.Toy(chain, (2,)) for chain in writer.chains] for writer in writers]
    for row in toys:
        for toy in row:
            [toy.step() for _ in range(toychain.WARMUP)]
    for what, index, size in steps:
        if what == "extend":
            target = max(target, size)
            assert store.extend(path, size, durable=False) == target
        elif what == "reopen":
            writers[index].__exit__(None, None, None)
            writers[index] = store.Writer(path, index, durable=False).__enter__()
        elif model[index] + size <= writers[index].layout.target_draws:
            toychain.commit(writers[index], toys[index], size, toychain.WARMUP)
            model[index] += size
        expected = [model[chain // group] for chain in range(3)]
        assert list(store.open_ensemble(path).draws) == expected
    for writer in writers:
        writer.__exit__(None, None, None)
    toychain.assert_sound(path)
    assert store.open_ensemble(path).target_draws == target
