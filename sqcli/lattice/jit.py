"""Compiled kernels: numba with a cache that is writable, current and shared by all processes of a user.

Two facts decide the form. numba raises at import when the cache folder is not writable, so a folder is chosen
before numba is loaded; and its cache looks only at the file of the function itself, so the folder's name carries
a stamp of all kernel sources. A kernel that takes another as an argument is cached only with an explicit
signature, which is why `Kernel` has one, with `real` standing for the field's precision.
"""

import importlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from sqcli.lattice import _kernel_cache

# Everything but "no NaN, no infinity": a diverged trajectory must be seen and rejected.
FASTMATH = {"reassoc", "nsz", "arcp", "contract", "afn"}
OPTIONS = {"fastmath": FASTMATH, "error_model": "numpy", "boundscheck": False, "cache": True, "nogil": True}


os.environ[_kernel_cache.VARIABLE] = _kernel_cache.choose()

import numba  # noqa: E402 - the cache folder has to be known before numba is imported
from numba.experimental.function_type import _get_wrapper_address  # noqa: E402

numba.config.CACHE_DIR = os.environ[_kernel_cache.VARIABLE]


def _load_without_blas() -> None:
    """Load numba's array functions without SciPy's linear algebra, which takes as long as the rest of a start.

    No kernel uses it. Functions that others compile in the same process find it when they ask for it. A numba whose
    array functions lie elsewhere loads them itself, only later.
    """
    if "scipy.linalg" in sys.modules:
        return
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]  # an import of it fails now
    try:
        with suppress(ImportError):
            importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules["scipy.linalg"]


_load_without_blas()


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` with the options of all kernels; for functions called by other kernels."""
    if function is None:
        return lambda f: numba.njit(f, **(OPTIONS | options))
    return numba.njit(function, **(OPTIONS | options))


class Compiled(numba.types.WrapperAddressProtocol):  # type: ignore[misc]
    """Compiled function that other compiled ones take as an argument, by an address that is looked up only once."""

    def __init__(self, dispatcher: Any) -> None:
        self._dispatcher = dispatcher
        (self._signature,) = dispatcher.nopython_signatures
        self._address: int = _get_wrapper_address(dispatcher, self._signature)

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        return self._dispatcher(*arguments)

    def __wrapper_address__(self) -> int:
        """Return the address, in numba's words."""
        return self._address

    def signature(self) -> Any:
        """Return the signature, in numba's words."""
        return self._signature


class Kernel:
    """Function that is compiled once per precision for the signature text `signature` ("void(real[::1], float64)")."""

    def __init__(self, function: Callable[..., Any], signature: str) -> None:
        self.function = function
        self.signature = signature
        self.__doc__ = function.__doc__
        self._compiled = cache(self._compile)

    def _compile(self, dtype: str) -> Compiled:
        return Compiled(numba.njit(self.signature.replace("real", dtype), **OPTIONS)(self.function))

    def __call__(self, dtype: str) -> Compiled:
        """Return the compiled function for fields of `dtype` ("float64" or "float32")."""
        return self._compiled(dtype)


def kernel(signature: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Decorate a function: it becomes a `Kernel` with this signature."""
    return lambda function: Kernel(function, signature)
