"""Steps of complex Langevin dynamics in compiled kernels: z ← z + ε K f + √K √(2ε) (√N_x η + i √N_y η′), f = −∂S/∂z.

N(0, 1) numbers form one long row over all updates, of which update u takes the u-th piece: a chain of a single variable
uses every number that it computes, and can still go on anywhere. Steps that are cut shorter take further numbers of
their own.
"""

import numpy as np

from sqcli.lattice.jit import jit, kernel
from sqcli.lattice.philox import MOMENTUM, STEP, block_buffers, normal_block
from sqcli.theories import HOLOMORPHIC

U = np.uint64
BLOCK, IN_BLOCK = U(9), U(511)  # 2^9 numbers a block
PAGE, IN_PAGE = U(23), U((1 << 23) - 1)  # 2^23 blocks before the update of the counter moves on
ENDLESS = U(1 << 62)
MOST_PIECES = 100_000  # of a step: beyond, a trajectory has run away
FARTHEST = 1e16  # |z|² of a trajectory that has run away
EULER, HALF_IMPLICIT, ADAPTIVE, RUNGE_KUTTA = range(4)
STATS = ("drift", "drift_max", "step_size", "pieces", "runaways")


@jit(forceinline=True)
def in_a_row(out, position, block, words, held, key):
    """Take the numbers from `position` on, of the row that goes on for ever; `held` is the block that is there."""
    for i in range(U(out.size)):
        at = position + i
        number = at >> BLOCK
        if number != held[0]:
            normal_block(block, words, (number & IN_PAGE) << BLOCK, ENDLESS, number >> PAGE, MOMENTUM, key)
            held[0] = number
        out[i] = block[at & IN_BLOCK]


@jit
def of_a_piece(out, piece, block, words, update, key):
    """Take the numbers of a further piece of an update."""
    size = U(out.size)
    first = U(piece) * ((size + U(3)) >> U(2) << U(2))
    done = U(0)
    while done < size:
        count, _ = normal_block(block, words, first + done, first + size, update, STEP, key)
        for i in range(count):
            out[done + i] = block[i]
        done += count


@jit(forceinline=True)
def largest(drift):
    """Compute the largest |f|."""
    most = 0.0
    for f in drift:
        square = f.real * f.real + f.imag * f.imag
        if not square <= most:  # also what is no number
            most = square
    return np.sqrt(most)


# Functions of numbers: to arrays handed on within a loop numba counts references, by locked instructions.
@jit(forceinline=True)
def moved(z, move, period):
    """Move a number, around the circle where there is a period."""
    z += move
    if period > 0.0:
        z -= period * np.ceil(z.real / period - 0.5)
    return z


@jit(forceinline=True)
def is_near(z):
    """Tell whether a number is still within reach."""
    return z.real * z.real + z.imag * z.imag < FARTHEST


@jit
def copied(z, sites, volume):
    """Copy complex numbers into planes of real and imaginary parts."""
    for first in range(0, z.size, volume):
        for i in range(first, first + volume):
            sites[first + i], sites[first + i + volume] = z[i].real, z[i].imag


@jit
def taken(z, sites, volume):
    """Take complex numbers from planes of real and imaginary parts."""
    for first in range(0, z.size, volume):
        for i in range(first, first + volume):
            z[i] = complex(sites[first + i], sites[first + i + volume])


@kernel(
    f"void(FunctionType({HOLOMORPHIC}), real[::1], int64, uint32[::1], float64[::1], uint64[::1], uint64, int64, "
    "int64, float64[::1], real[:, ::1], float64[:, ::1])"
)
def chain(
    force, sites, volume, neighbours, couplings, key, first, updates, every, settings, fields, stats
):  # fmt: skip
    """Make `updates` steps of the time ε; `settings` are those of `ComplexLangevin.settings`."""
    epsilon, scheme, limit, restart, period = settings[0], settings[1], settings[2], settings[3], settings[4]
    turn, real, imaginary = complex(settings[5], settings[6]), settings[7], settings[8]
    n, root = sites.size // 2, np.sqrt(turn)
    z, drift, slope = np.empty(n, np.complex128), np.empty(n, np.complex128), np.empty(n, np.complex128)
    later = np.empty(n, np.complex128)
    normals = np.empty(2 * n if imaginary > 0.0 else n)
    block, words = block_buffers()
    spare, spare_words = block_buffers()
    held = np.full(1, ENDLESS)
    taken(z, sites, volume)
    most, total, runaways = 0.0, 0, 0
    for u in range(updates):
        update, left, piece = first + U(u), epsilon, 0
        while left > 0.0:
            force(z, neighbours, couplings, drift, slope)
            size = largest(drift)
            most = max(most, size)
            # Both in the branch: compilers compute a division that stands there alone always, on the way from z to z.
            step, width = left, np.sqrt(left) * root
            if scheme >= ADAPTIVE and size * left > epsilon * limit:
                step = epsilon * limit / size
                width = np.sqrt(step) * root
            if piece == 0:
                in_a_row(normals, (update - U(1)) * U(normals.size), block, words, held, key)
            else:
                of_a_piece(normals, piece, spare, spare_words, update, key)
            within = True
            for i in range(n):
                noise = complex(real * normals[i], imaginary * normals[n + i] if imaginary > 0.0 else 0.0)
                move = step * turn * drift[i] + width * noise
                if scheme == HALF_IMPLICIT:
                    move = move / (1.0 - 0.5 * step * turn * slope[i])
                z[i] = moved(z[i], move, period)
                within = within and is_near(z[i])
            if scheme == RUNGE_KUTTA and within:  # the mean of the drift at both ends of the step
                force(z, neighbours, couplings, later, slope)
                for i in range(n):
                    z[i] = moved(z[i], 0.5 * step * turn * (later[i] - drift[i]), period)
                    within = within and is_near(z[i])
            left = left - step if step < left else 0.0
            piece += 1
            if not (within and piece < MOST_PIECES):
                runaways += 1
                left = 0.0
                for i in range(n):
                    z[i] = 0.0 if restart > 0.0 else np.nan
        total += piece
        if sites.itemsize < 8:
            copied(z, sites, volume)
            taken(z, sites, volume)  # rounded as it is kept, so that a chain can go on from there
        if (u + 1) % every == 0:
            kept = u // every
            force(z, neighbours, couplings, drift, slope)
            copied(z, fields[kept], volume)
            stats[kept, 0], stats[kept, 1], stats[kept, 2] = largest(drift), most, epsilon
            stats[kept, 3], stats[kept, 4] = total / every, runaways
            most, total, runaways = 0.0, 0, 0
    copied(z, sites, volume)
