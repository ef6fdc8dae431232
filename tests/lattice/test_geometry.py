import numpy as np
import pytest

from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.halo import pack, unpack

EXTENTS = [(1,), (7,), (4, 6), (1, 3), (3, 4, 5), (2, 3, 2, 4), (2, 1, 3, 2, 2)]


@pytest.mark.parametrize("extents", EXTENTS)
@pytest.mark.parametrize("components", [1, 3])
def test_packed_field_has_periodic_ghosts(extents, components, rng):
    lattice = Lattice(extents)
    field = rng.standard_normal((components, *extents))
    padded = np.full(components * lattice.padded_volume, np.nan)
    geometry = lattice.geometry(components)
    pack(field.reshape(-1), padded, geometry)
    expected = np.pad(field, [(0, 0)] + [(1, 1)] * len(extents), mode="wrap")
    boxes = padded.reshape(components, -1)[:, : expected[0].size]
    np.testing.assert_array_equal(boxes.reshape(expected.shape), expected)
    back = np.empty(field.size)
    unpack(padded, back, geometry)
    np.testing.assert_array_equal(back, field.reshape(-1))


@pytest.mark.parametrize("extents", EXTENTS)
def test_neighbours_are_one_step_away(extents):
    lattice = Lattice(extents)
    table = lattice.neighbours().reshape(lattice.volume, lattice.dimension, 2)
    sites = np.indices(extents).reshape(lattice.dimension, -1).T
    for axis in range(lattice.dimension):
        for column, step in ((0, 1), (1, -1)):
            moved = sites.copy()
            moved[:, axis] = (moved[:, axis] + step) % extents[axis]
            np.testing.assert_array_equal(sites[table[:, axis, column]], moved)


@pytest.mark.parametrize("extents", EXTENTS)
def test_steps_lead_to_the_neighbours(extents):
    lattice = Lattice(extents)
    edges, offsets, wraps = lattice.steps()
    site, k = np.arange(lattice.volume, dtype=np.uint64)[:, None], np.arange(offsets.size, dtype=np.uint64)
    with np.errstate(over="ignore"):
        reached = site + offsets + ((edges[:, None] >> k) & np.uint64(1)) * wraps
    np.testing.assert_array_equal(reached.ravel(), lattice.neighbours())


def test_shift_brings_the_neighbour_here(rng):
    lattice, field = Lattice((3, 5)), rng.standard_normal((2, 3, 5))
    assert lattice.shift(field, 1)[1, 2, 4] == field[1, 2, 0]
    assert lattice.shift(field, 0, -1)[0, 0, 3] == field[0, 2, 3]


def test_shift_of_a_tensor_is_that_of_an_array(rng):
    import torch

    lattice, field = Lattice((3, 5)), rng.standard_normal((2, 3, 5))
    for axis, step in ((0, 1), (1, -1)):
        shifted = lattice.shift(torch.from_numpy(field), axis, step)
        np.testing.assert_array_equal(shifted.numpy(), lattice.shift(field, axis, step))


@pytest.mark.parametrize("extents", [(), (0, 4), (4, -1), (2,) * 9])
def test_impossible_extents(extents):
    with pytest.raises(UsageError, match=r"positive extents|at most 8"):
        Lattice(extents)


@pytest.mark.parametrize("extents", EXTENTS)
def test_arrays_are_laid_out_as_kernels_lay_them_out(extents, rng):
    lattice = Lattice(extents)
    planes, geometry = rng.standard_normal((3, *extents)), lattice.geometry(3)
    expected = np.zeros(3 * lattice.padded_volume)
    pack(planes.reshape(-1), expected, geometry)
    found = lattice.padded(planes)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(lattice.inner(found), planes)
    lattice.inner(found)[...] = 0
    assert not lattice.inner(found).any()
