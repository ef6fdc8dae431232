"""Seeds come from the names of tests, so that no two tests share random numbers and every run repeats them."""

import hashlib

import numpy as np
import pytest


@pytest.fixture
def seed(request):
    return int.from_bytes(hashlib.sha256(request.node.nodeid.encode()).digest()[:7], "little")


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)
