"""Vectors: several float64 in one register-like value, for loops that LLVM does not vectorise by itself.

A vector lives only inside compiled functions: `load` and `store` move it between memory and registers, `spread` and
`spread_at` repeat one number in all lanes, `+ - *` act lane by lane, `transpose` turns eight vectors about. Memory is
a bare `pointer`, because counted references to arrays cost more than a short transform. Nothing checks bounds.
Vectors of `WIDTH` may be wider than the processor's registers; loops with many live values take `REGISTER` lanes at
a time (`load_part` and so on). Each lane sees the same operations either way.
"""

import operator
from collections.abc import Callable
from typing import Any

from sqcli.lattice.jit import jit
from sqcli.lattice.vectors import (
    REGISTER,
    ConcreteTemplate,
    infer_global,
    intrinsic,
    ir,
    lower_builtin,
    models,
    picks,
    register_model,
    repeat,
    signature,
    types,
)

WIDTH = 8
"""Lanes of a vector: one cache line of float64."""


class Vector(types.Type):
    """Compiler's type of a vector of `width` float64."""

    def __init__(self, width: int) -> None:
        self.llvm = ir.VectorType(ir.DoubleType(), width)
        super().__init__(name=f"float64x{width}")


WIDE, PART = Vector(WIDTH), Vector(REGISTER)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, kind.llvm)


@intrinsic  # type: ignore[untyped-decorator]
def pointer(_typing: Any, array: Any) -> Any:
    """Address of a contiguous float64 array, which the caller has to keep alive."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(types.float64)(array), generate  # type: ignore[attr-defined,unused-ignore]


@intrinsic  # type: ignore[untyped-decorator]
def peek(_typing: Any, memory: Any, index: Any) -> Any:
    """Read memory[index]."""

    def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.load(builder.gep(args[0], [args[1]]))

    return types.float64(memory, index), generate


@intrinsic  # type: ignore[untyped-decorator]
def poke(_typing: Any, memory: Any, index: Any, _value: Any) -> Any:
    """Write `value` to memory[index]."""

    def generate(context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        builder.store(args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(memory, index, types.float64), generate


def _loader(kind: Vector) -> Callable[..., Any]:
    @intrinsic  # type: ignore[untyped-decorator]
    def load(_typing: Any, memory: Any, index: Any) -> Any:
        def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            where = builder.bitcast(builder.gep(args[0], [args[1]]), kind.llvm.as_pointer())
            return builder.load(where, align=8)

        return kind(memory, index), generate

    return load  # type: ignore[no-any-return]


@intrinsic  # type: ignore[untyped-decorator]
def store(_typing: Any, memory: Any, index: Any, value: Any) -> Any:
    """Write a vector to memory[index : index + lanes]."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        where = builder.bitcast(builder.gep(args[0], [args[1]]), sig.args[2].llvm.as_pointer())
        builder.store(args[2], where, align=8)
        return context.get_dummy_value()

    return types.void(memory, index, value), generate


@intrinsic  # type: ignore[untyped-decorator]
def spread(_typing: Any, _number: Any) -> Any:
    """Repeat one number in every lane of a register."""

    def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return repeat(builder, args[0], PART.llvm)

    return PART(types.float64), generate


def _spreader(kind: Vector) -> Callable[..., Any]:
    @intrinsic  # type: ignore[untyped-decorator]
    def spread_at(_typing: Any, memory: Any, index: Any) -> Any:
        def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            return repeat(builder, builder.load(builder.gep(args[0], [args[1]])), kind.llvm)

        return kind(memory, index), generate

    return spread_at  # type: ignore[no-any-return]


load, load_part = _loader(WIDE), _loader(PART)  # memory[index : index + lanes]
spread_at, spread_at_part = _spreader(WIDE), _spreader(PART)  # memory[index] in every lane


@infer_global(operator.add)
@infer_global(operator.sub)
@infer_global(operator.mul)
class _Arithmetic(ConcreteTemplate):  # type: ignore[misc]
    cases = tuple(signature(kind, kind, kind) for kind in {WIDE, PART})


def _lower(operation: Any, instruction: str) -> None:
    @lower_builtin(operation, Vector, Vector)  # type: ignore[untyped-decorator]
    def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        # "contract" lets LLVM fuse a product and a sum into one instruction
        return getattr(builder, instruction)(*args, flags=("contract",))


for _operation, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _lower(_operation, _instruction)


def _shuffle(*lanes: int) -> Callable[..., Any]:
    """Make the function that picks these lanes of two vectors, the second one's counted from WIDTH on."""

    @intrinsic  # type: ignore[untyped-decorator]
    def shuffle(_typing: Any, first: Any, second: Any) -> Any:
        def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            return builder.shuffle_vector(*args, picks(list(lanes)))

        return WIDE(first, second), generate

    return shuffle  # type: ignore[no-any-return]


# Exchanges of neighbours, of pairs and of halves: the three stages of an 8 × 8 transposition, each of them
# one instruction (or none) on registers of four or of eight numbers.
low1 = _shuffle(0, 8, 2, 10, 4, 12, 6, 14)
high1 = _shuffle(1, 9, 3, 11, 5, 13, 7, 15)
low2 = _shuffle(0, 1, 8, 9, 4, 5, 12, 13)
high2 = _shuffle(2, 3, 10, 11, 6, 7, 14, 15)
low4 = _shuffle(0, 1, 2, 3, 8, 9, 10, 11)
high4 = _shuffle(4, 5, 6, 7, 12, 13, 14, 15)


@jit
def transpose(rows: Any) -> Any:
    """Turn eight rows into their eight columns."""
    a, b, c, d, e, f, g, h = rows
    a, b, c, d = low1(a, b), high1(a, b), low1(c, d), high1(c, d)
    e, f, g, h = low1(e, f), high1(e, f), low1(g, h), high1(g, h)
    a, b, c, d = low2(a, c), low2(b, d), high2(a, c), high2(b, d)
    e, f, g, h = low2(e, g), low2(f, h), high2(e, g), high2(f, h)
    return low4(a, e), low4(b, f), low4(c, g), low4(d, h), high4(a, e), high4(b, f), high4(c, g), high4(d, h)


@jit
def load8(memory: Any, at: int, step: int) -> Any:
    """Load eight vectors that lie `step` apart."""
    half = at + 4 * step
    return (
        load(memory, at), load(memory, at + step), load(memory, at + 2 * step), load(memory, at + 3 * step),
        load(memory, half), load(memory, half + step), load(memory, half + 2 * step), load(memory, half + 3 * step),
    )  # fmt: skip


@jit
def store8(memory: Any, at: int, step: int, values: Any) -> None:
    """Store eight vectors `step` apart."""
    store(memory, at, values[0])
    store(memory, at + step, values[1])
    store(memory, at + 2 * step, values[2])
    store(memory, at + 3 * step, values[3])
    half = at + 4 * step
    store(memory, half, values[4])
    store(memory, half + step, values[5])
    store(memory, half + 2 * step, values[6])
    store(memory, half + 3 * step, values[7])
