"""Random numbers of a run: one key for every use, spawned from the run's identity.

Two runs that differ in anything that determines their numbers (warm-up, start, coupling, …) share no random number,
whatever their seeds are: the key is a hash of the identity, which the seed is part of. Chains of a run differ in the
counter's word `chain`.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from sqcli.errors import SqcliError
from sqcli.lattice.philox import GENERATOR, Stream

COUNTER = "counter = (index, update, purpose, chain)"
SCHEME = f"{GENERATOR}, key = hash of (identity, use), {COUNTER}"
BY_SEED = f"{GENERATOR}, key = seed, {COUNTER}"
"""Scheme of ensembles made before runs had keys of their own; they go on with it."""
_APART = 0x9E3779B97F4A7C15  # distance between the keys of two interleaved algorithms, in the scheme BY_SEED


@dataclass(frozen=True)
class Streams:
    """Random streams of a run.

    Attributes:
        scheme: SCHEME or BY_SEED.
        identity: identity of the run, 64 hexadecimal digits.
        seed: seed of the run.
    """

    scheme: str
    identity: str
    seed: int

    def key(self, use: str = "chains", index: int | None = None) -> int:
        """Compute the key of a use of the run, 64 bits; `index` numbers the algorithms between two proposals."""
        if self.scheme == BY_SEED:
            return self.seed if index is None else (self.seed + _APART * (index + 1)) % 2**64
        named = use if index is None else f"{use}.{index}"
        return int.from_bytes(hashlib.sha256(f"{self.identity}/{named}".encode()).digest()[:8], "little")

    def chain(self, number: int, use: str = "chains", index: int | None = None) -> Stream:
        """Return the stream of one chain."""
        return Stream(self.key(use, index), number)


def spawned(seed: int, name: str) -> int:
    """Spawn the seed of the run `name` from a seed that runs share, whatever other runs there are."""
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
    return int(np.random.SeedSequence(seed, spawn_key=tuple(map(int, words))).generate_state(1, np.uint64)[0])


def require_known(scheme: str) -> str:
    """Return the scheme of random numbers that an ensemble states.

    Raises:
        SqcliError: this sqcli does not know it.
    """
    if scheme not in (SCHEME, BY_SEED):
        raise SqcliError(f"its random numbers are of a scheme that this sqcli does not know: {scheme!r}")
    return scheme
