"""Ghost halos: copies between fields as users see them, (components, *extents) flat, and the kernels' padded layout."""

import numpy as np

from sqcli.lattice.geometry import HEADER
from sqcli.lattice.jit import jit

ONE, TWO = np.uint64(1), np.uint64(2)
H = np.uint64(HEADER)


@jit
def copy_face(f, to, source, size):
    """Copy a contiguous piece within `f`."""
    for i in range(size):
        f[to + i] = f[source + i]


@jit
def fill(f, geometry):
    """Copy the opposite faces into the ghosts, innermost axis first, so that corners come out right."""
    for component in range(geometry[1]):
        fill_component(f, component * geometry[2], geometry)


@jit
def fill_component(f, start, geometry):
    """Copy the opposite faces of the component from f[start] on."""
    dimension = geometry[0]
    end = start + (geometry[H] + TWO) * geometry[H + dimension]
    for axis in range(dimension):
        n = geometry[H + dimension - ONE - axis]
        stride = geometry[H + dimension + dimension - ONE - axis]
        span = (n + TWO) * stride
        if stride == ONE:
            for low in range(start, end, span):
                f[low] = f[low + n]
                f[low + n + ONE] = f[low + ONE]
        else:
            for low in range(start, end, span):
                copy_face(f, low, low + n * stride, stride)
                copy_face(f, low + (n + ONE) * stride, low + stride, stride)


@jit
def row_count(geometry):
    """Number of rows (lines along the last axis) of one component."""
    return geometry[3] // geometry[H + geometry[0] - ONE]


@jit
def pack(sites, f, geometry):
    """Copy flat sites (components·V) into the padded layout, ghosts included."""
    copy_in(sites, f, geometry)
    fill(f, geometry)


@jit
def copy_in(sites, f, geometry):
    """Copy flat sites (components·V) into the interior of the padded layout."""
    copy_planes(sites, f, geometry, geometry[1])


@jit
def copy_planes(sites, f, geometry, count):
    """Copy `count` flat planes (count·V) into the interior of the padded layout."""
    n, first = geometry[H + geometry[0] - ONE], H + TWO * geometry[0]
    rows = row_count(geometry)
    for component in range(count):
        for row in range(rows):
            to = component * geometry[2] + geometry[first + row]
            source = (component * rows + row) * n
            for x in range(n):
                f[to + x] = sites[source + x]


@jit
def unpack(f, sites, geometry):
    """Copy the interior of the padded layout to flat sites (components·V)."""
    n, first = geometry[H + geometry[0] - ONE], H + TWO * geometry[0]
    rows = row_count(geometry)
    for component in range(geometry[1]):
        for row in range(rows):
            source = component * geometry[2] + geometry[first + row]
            to = (component * rows + row) * n
            for x in range(n):
                sites[to + x] = f[source + x]
