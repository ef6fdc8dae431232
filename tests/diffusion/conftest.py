import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Tiny networks: threads would cost more than they bring, and results must not depend on the machine."""
    torch.set_num_threads(1)
