"""Options of observables: names of series, what they compute on the free field, and what is refused."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqcli import registry
from sqcli.analysis.selection import observable, sources
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.observables import LatticeTheory, Observable, name_of, options_of, series_key
from sqcli.store._series_writing import _NAME
from sqcli.theories.free import Free


@dataclass(frozen=True)
class Loops(Observable):
    sizes: str = "2x2"
    levels: int = 0
    scale: float = 1.0
    needs: ClassVar[tuple[str, ...]] = ("observables/test_observable_options",)


FREE = LatticeTheory("free", {"mass2": 0.5}, Lattice((4, 4)))
KEYS = [
    (Loops(), "test_observable_options"),
    (Loops(sizes="2x2"), "test_observable_options"),
    (Loops(sizes="1x1,2x2"), "test_observable_options.sizes-1x1_2x2"),
    (Loops(levels=-3), "test_observable_options.levels--3"),
    (Loops(scale=0.5, levels=2), "test_observable_options.levels-2.scale-0.5"),
    (observable("correlator"), "correlator"),
    (observable("correlator", {"axis": "0"}), "correlator.axis-0"),
    (observable("power_spectrum", {"largest": 3}), "power_spectrum.largest-3"),
    (observable("power_spectrum", {"largest": "all"}), "power_spectrum"),
]


@pytest.mark.parametrize(("instance", "key"), KEYS)
def test_a_series_is_named_after_its_observable_and_the_options_that_differ(instance, key):
    assert series_key(instance) == key
    assert key.split(".")[0] == name_of(instance)
    assert bool(options_of(instance)) == ("." in key)


@pytest.mark.parametrize(
    "sizes", ["a/../b", "1x1 2x2", "", "ä", "x" * 300, "1_1", ".", "0.a", "../../..", "1e+20", "a\nb"]
)
def test_odd_values_make_sound_names_too(sizes):
    key = series_key(Loops(sizes=sizes))
    assert _NAME.fullmatch(key)
    assert len(key) < 130
    assert key.startswith("test_observable_options.sizes-")
    assert key not in {series_key(Loops(sizes=other)) for other in ("2x2", "1x1", f"{sizes} ", f"{sizes}x")}


@given(
    st.lists(st.builds(Loops, st.text("ab1,.-_ /", max_size=5), st.integers(-2, 2), st.sampled_from([0.5, 5.0, 1.0])))
)
def test_names_of_different_options_differ(instances):
    keys = {instance: series_key(instance) for instance in instances}
    assert len(set(keys.values())) == len(set(instances))
    assert all(_NAME.fullmatch(key) for key in keys.values())


def test_an_observable_is_made_of_series_with_its_own_options_and_the_defaults_of_others():
    assert [name for name, _ in sources(observable("chi2"), FREE)] == ["observables/magnetization"]
    ((name, computes),) = sources(observable("correlator", {"axis": 0}), FREE)
    assert (name, computes) == ("observables/correlator.axis-0", observable("correlator", {"axis": 0}))
    connected = sources(observable("correlator_connected", {"axis": 0}), FREE)
    assert [name for name, _ in connected] == ["observables/correlator.axis-0", "observables/magnetization"]
    assert sources(observable("acceptance"), FREE) == [("sample_stats/acceptance_rate", None)]


@pytest.mark.parametrize("name", registry.names("observables"))
def test_every_option_has_a_default(name):
    assert options_of(observable(name)) == {}
    assert name_of(observable(name)) == name


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("correlator", {"axsi": 0}, ["'axsi'", "did you mean 'axis'", "correlator has axis"]),
        ("magnetization", {"axis": 0}, ["'axis'", "magnetization has no options"]),
        ("correlator", {"axis": "time"}, ["'axis'", "an integer", "'time'"]),
        ("power_spectrum", {"largest": -1}, ["largest", "at least 0", "-1"]),
        ("power_spectrum", {"largest": "some"}, ["'largest'", "an integer or all", "'some'"]),
    ],
)
def test_what_cannot_be_is_refused_in_words(name, options, words):
    with pytest.raises(UsageError) as caught:
        observable(name, options)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("extents", [(4, 6), (6, 3), (2, 3, 4), (8,)])
def test_the_correlator_along_another_axis_is_that_of_the_turned_lattice(extents):
    phi = np.random.default_rng(1).normal(0.3, 1.0, (3, *extents))
    for axis in range(-len(extents), len(extents)):
        turned = np.moveaxis(phi, 1 + axis % len(extents), -1)
        found = observable("correlator", {"axis": axis}).series(phi, theory(extents))
        np.testing.assert_allclose(found, observable("correlator").series(turned, theory(turned.shape[1:])), atol=1e-14)
        labels = observable("correlator", {"axis": axis}).components(theory(extents))
        assert labels == tuple(str(t) for t in range(extents[axis] // 2 + 1))
    assert not observable("correlator", {"axis": len(extents)}).fits("phi", theory(extents))
    assert not observable("correlator_connected", {"axis": -len(extents) - 1}).fits("phi", theory(extents))


def test_the_definition_names_the_axis():
    assert "the last axis" in observable("correlator").defined()
    assert "axis 1" in observable("correlator", {"axis": 1}).defined()


@pytest.mark.parametrize("extents", [(6, 6), (4, 6), (5, 3), (4, 4, 4), (8,)])
@pytest.mark.parametrize("largest", [0, 1, 2, 9])
def test_the_largest_mode_number_keeps_the_modes_below_it(extents, largest):
    phi = np.random.default_rng(2).normal(0.3, 1.0, (3, *extents))
    whole, part = observable("power_spectrum"), observable("power_spectrum", {"largest": largest})
    labels, kept = whole.components(theory(extents)), part.components(theory(extents))
    modes = itertools.product(*(range(min(n // 2, largest) + 1) for n in extents))
    assert set(kept) == {",".join(map(str, mode)) for mode in modes} & set(labels)
    columns = [labels.index(label) for label in kept]
    np.testing.assert_allclose(part.series(phi, theory(extents)), whole.series(phi, theory(extents))[:, columns])


def theory(extents):
    return LatticeTheory.of(Free(0.5), Lattice(tuple(extents)))


def test_a_theory_on_a_lattice_is_known_by_name_or_by_itself():
    named = LatticeTheory("free", {"mass2": 0.5}, Lattice((4, 4)))
    assert theory((4, 4)) == named
    assert theory((4, 4)).loaded == named.loaded == Free(0.5)
