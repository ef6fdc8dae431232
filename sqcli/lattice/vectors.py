"""Vectors of float64 in the terms of numba's compiler: what transforms and formulas of many sites build upon."""

from importlib.metadata import version
from typing import Any

from sqcli.errors import SqcliError

try:
    import llvmlite.binding
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.core.imputils import lower_constant
    from numba.core.typing import signature
    from numba.core.typing.templates import ConcreteTemplate, infer_global
    from numba.extending import intrinsic, lower_builtin, models, register_model, typeof_impl
except ImportError as error:  # no public interface makes vectors
    raise SqcliError(
        f"vectors use numba's compiler as it is from 0.60 to 0.68, numba {version('numba')} differs ({error}); "
        "install one of those versions"
    ) from error

__all__ = [
    "REGISTER",
    "ConcreteTemplate",
    "cgutils",
    "infer_global",
    "intrinsic",
    "ir",
    "lower_builtin",
    "lower_constant",
    "models",
    "picks",
    "register_model",
    "repeat",
    "signature",
    "typeof_impl",
    "types",
]

REGISTER = 8 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 4
"""Lanes of one register of this processor."""


def picks(lanes: list[int]) -> Any:
    """Make the constant that names lanes to shuffle."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)


def repeat(builder: Any, number: Any, vector: Any) -> Any:
    """Put one number into every lane of a vector of the type `vector`."""
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, first, picks([0] * vector.count))
