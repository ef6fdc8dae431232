"""Formulas for many sites at once: Python functions of `Number`s, which become vector instructions of kernels.

A kernel takes LANES neighbouring sites together. It holds `Registers`, some vectors in registers, and `formula` makes
functions of them: the Python function runs once, while the kernel is compiled, so that its loops, conditions and
objects leave nothing but arithmetic behind. Arithmetic is lane by lane, in the order in which it is written.
"""

import inspect
from collections.abc import Callable
from typing import Any

from sqcli.lattice.vectors import (
    REGISTER,
    cgutils,
    intrinsic,
    ir,
    lower_constant,
    models,
    register_model,
    repeat,
    typeof_impl,
    types,
)

LANES = REGISTER
"""Sites that a kernel takes together."""

VECTOR = ir.VectorType(ir.DoubleType(), LANES)
FUSED = ("contract",)  # lets LLVM make one instruction of a product and a sum


class Number:
    """One real number of each of LANES sites, while a formula is being compiled."""

    __slots__ = ("_builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self._builder = builder  # None while only the shape of a result is asked for
        self.value = value

    def _binary(self, instruction: str, other: "Number | float") -> "Number":
        if self._builder is None:
            return self
        return Number(self._builder, getattr(self._builder, instruction)(self.value, _value(other), flags=FUSED))

    def __add__(self, other: "Number | float") -> "Number":
        return self._binary("fadd", other)

    def __sub__(self, other: "Number | float") -> "Number":
        return self._binary("fsub", other)

    def __mul__(self, other: "Number | float") -> "Number":
        return self._binary("fmul", other)

    def __neg__(self) -> "Number":
        return self if self._builder is None else Number(self._builder, self._builder.fneg(self.value))

    def constant(self, value: float) -> "Number":
        """Make a number that is the same for all sites."""
        return self if self._builder is None else Number(self._builder, _value(value))

    def where_above(self, lower: float, chosen: "Number | float", other: "Number | float") -> "Number":
        """Choose in the lanes where this number is above `lower`, which NaN is not; elsewhere take `other`."""
        if self._builder is None:
            return self
        above = self._builder.fcmp_ordered(">", self.value, _value(lower))
        return Number(self._builder, self._builder.select(above, _value(chosen), _value(other)))


def _value(number: Number | float) -> Any:
    return number.value if isinstance(number, Number) else ir.Constant(VECTOR, [float(number)] * LANES)


class Constant:
    """Base of objects that kernels hand to formulas, known when a kernel is compiled; hashable, with a full repr."""


class _ConstantType(types.Type):
    def __init__(self, constant: Constant) -> None:
        self.constant = constant
        super().__init__(name=repr(constant))


class Registers(types.Type):
    """Compiler's type of `count` vectors."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"registers({count} x {LANES})")


@register_model(_ConstantType)
class _ConstantModel(models.OpaqueModel):  # type: ignore[misc]
    pass


@register_model(Registers)
class _RegistersModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Registers) -> None:
        super().__init__(manager, kind, _memory(kind.count))


@typeof_impl.register(Constant)  # type: ignore[untyped-decorator]
def _typeof_constant(constant: Constant, _context: Any) -> _ConstantType:
    return _ConstantType(constant)


@lower_constant(_ConstantType)  # type: ignore[untyped-decorator]
def _lower_constant(context: Any, _builder: Any, _kind: Any, _value: Any) -> Any:
    return context.get_dummy_value()


def _memory(count: int) -> Any:
    return ir.ArrayType(VECTOR, count)


def formula(function: Callable[..., list[Number]]) -> Any:
    """Make a function for kernels of a function of lists of numbers (`Registers` there), numbers, and constants."""
    parameters = list(inspect.signature(function).parameters.values())

    def typed(_typing: Any, *kinds: Any) -> Any:
        count = len(function(*(_read(kind, None, None) for kind in kinds)))
        known = [kind if isinstance(kind, Registers | _ConstantType) else types.float64 for kind in kinds]

        def generate(_context: Any, builder: Any, sig: Any, args: Any) -> Any:
            results = function(*(_read(kind, builder, arg) for kind, arg in zip(sig.args, args, strict=True)))
            return _packed(builder, [number.value for number in results])

        return Registers(count)(*known), generate

    typed.__name__, typed.__doc__ = function.__name__, function.__doc__
    first = inspect.Parameter("typing", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    typed.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
    return intrinsic(typed)


def _read(kind: Any, builder: Any, arg: Any) -> Any:
    """Turn an argument of a kernel's call into a formula's."""
    if isinstance(kind, _ConstantType):
        return kind.constant
    if isinstance(kind, Registers):
        return [Number(builder, builder and builder.extract_value(arg, i)) for i in range(kind.count)]
    return Number(builder, builder and repeat(builder, arg, VECTOR))


def _packed(builder: Any, values: list[Any]) -> Any:
    numbers = ir.Constant(_memory(len(values)), ir.Undefined)
    for i, value in enumerate(values):
        numbers = builder.insert_value(numbers, value, i)
    return numbers


def loader(count: Callable[[Any], int]) -> Any:
    """Make a kernel's function (constant, array, at, stride) that reads count(constant) vectors, `stride` apart."""

    def load(_typing: Any, constant: Any, array: Any, at: Any, stride: Any) -> Any:
        planes = count(constant.constant)

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            found = []
            for where in _places(context, builder, sig.args[1], args[1:], planes):
                vector = builder.load(where, align=sig.args[1].dtype.bitwidth // 8)
                found.append(vector if sig.args[1].dtype == types.float64 else builder.fpext(vector, VECTOR))
            return _packed(builder, found)

        return Registers(planes)(constant, array, at, stride), generate

    return intrinsic(load)


@intrinsic  # type: ignore[untyped-decorator]
def store(_typing: Any, array: Any, at: Any, stride: Any, numbers: Any) -> Any:
    """Write vectors to an array from `at` on, `stride` apart."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = sig.args[0]
        for i, where in enumerate(_places(context, builder, kind, args, sig.args[3].count)):
            vector = builder.extract_value(args[3], i)
            written = vector if kind.dtype == types.float64 else builder.fptrunc(vector, _stored(kind))
            builder.store(written, where, align=kind.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, at, stride, numbers), generate


def _stored(kind: Any) -> Any:
    """LANES numbers in an array's precision."""
    return ir.VectorType(ir.FloatType() if kind.dtype == types.float32 else ir.DoubleType(), LANES)


def _places(context: Any, builder: Any, kind: Any, args: Any, count: int) -> list[Any]:
    """Addresses of `count` vectors of an array from `at` on; out of bounds is an error where numba checks bounds."""
    array = context.make_array(kind)(context, builder, args[0])
    vector, at, places = _stored(kind).as_pointer(), args[1], []
    for _ in range(count):
        if context.enable_boundscheck:
            for end in (at, builder.add(at, at.type(LANES - 1))):
                cgutils.do_boundscheck(context, builder, end, builder.extract_value(array.shape, 0), 0)
        places.append(builder.bitcast(builder.gep(array.data, [at]), vector))
        at = builder.add(at, args[2])
    return places


@intrinsic  # type: ignore[untyped-decorator]
def any_above(_typing: Any, numbers: Any, _limit: Any) -> Any:
    """Tell whether the first number is above a limit in any lane."""

    def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        limits = repeat(builder, args[1], VECTOR)
        above = builder.fcmp_ordered(">", builder.extract_value(args[0], 0), limits)
        return builder.icmp_unsigned("!=", builder.bitcast(above, ir.IntType(LANES)), ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(numbers, types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def lane_sum(_typing: Any, numbers: Any) -> Any:
    """Add the lanes of the first number up, from the first to the last."""

    def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        vector, total = builder.extract_value(args[0], 0), ir.Constant(ir.DoubleType(), 0.0)
        for lane in range(LANES):
            total = builder.fadd(total, builder.extract_element(vector, ir.Constant(ir.IntType(32), lane)))
        return total

    return types.float64(numbers), generate
