"""Products of the small matrices of links, of NumPy or torch."""

from typing import Any, TypeVar, cast

Matrices = TypeVar("Matrices")


def times(one: Matrices, other: Matrices) -> Matrices:
    """Multiply matrices (…, N, K) and (…, K, M) of any leading axes; those of U(1) are numbers.

    Libraries of accelerators have no good way for many matrices of two or three rows: there elements are summed.
    """
    left: Any = one
    right: Any = other
    if left.shape[-1] == 1:
        found = left * right
    elif getattr(left, "is_cuda", False):
        found = (left.unsqueeze(-1) * right.unsqueeze(-3)).sum(-2)
    else:
        found = left @ right
    return cast(Matrices, found)
