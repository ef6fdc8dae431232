"""Products of small matrices: both ways give the same."""

import pytest
import torch

from sqcli.lattice.products import times


@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (2, 2, 2), (3, 2, 2), (2, 3, 3)])
def test_sums_of_elements_are_products(n, k, m):
    class Accelerated(torch.Tensor):
        is_cuda = True

    random = torch.Generator().manual_seed(1)
    one = torch.randn(5, 4, n, k, dtype=torch.complex128, generator=random)
    other = torch.randn(4, k, m, dtype=torch.complex128, generator=random)
    expected = torch.einsum("...ik,...kj->...ij", one, other)
    torch.testing.assert_close(times(one, other), expected)
    torch.testing.assert_close(times(one.as_subclass(Accelerated), other).as_subclass(torch.Tensor), expected)
