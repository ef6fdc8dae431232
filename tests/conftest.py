"""Seeds come from the names of tests and `--seed-offset`: no two tests share random numbers, every run repeats them."""

import functools

import numpy as np
import pytest
from statistical import Judge, seed_of


def pytest_addoption(parser):
    parser.addoption("--seed-offset", type=int, default=0, metavar="N", help="other random numbers for every N")


def pytest_collection_modifyitems(items):
    for item in items:
        if "judge" in getattr(item, "fixturenames", ()):
            item.add_marker("statistical")


@pytest.fixture(scope="session")
def seed_for(request):
    """The seed that belongs to a name: for fixtures that several tests share."""
    return functools.partial(seed_of, offset=request.config.getoption("seed_offset"))


@pytest.fixture(scope="module")
def one_thread():
    """One thread of torch while a module's tests run, as its small tensors want."""
    torch = pytest.importorskip("torch")  # not at the top: most tests need none
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def seed(request, seed_for):
    return seed_for(request.node.nodeid)


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


@pytest.fixture
def judge(request, seed, seed_for):
    """`judge.check(sample)`: see statistical.py."""
    return Judge(seed, seed_for(f"{request.node.nodeid} again"))
