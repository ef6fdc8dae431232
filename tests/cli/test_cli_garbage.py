"""Garbage collection: the first one late, then as usual."""

import gc

import pytest

from sqcli.cli import _garbage


@pytest.fixture
def usual():
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield thresholds
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks


def test_collections_are_as_usual_after_the_first(usual):
    before = list(gc.callbacks)
    _garbage.postpone()
    assert gc.get_threshold()[0] == _garbage.LOADED
    gc.collect()
    assert gc.get_threshold() == usual
    assert gc.callbacks == before
