"""Values that the keys of a recipe hold: names, extents, numbers within bounds."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    WithJsonSchema,
)

from sqcli.parameters import CONVERT

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]
Scalar = bool | int | float | str
Parameters = dict[str, Scalar]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Strict(BaseModel):
    """Mapping without unknown keys and without numbers that are not finite, unchanged once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _extents(value: Any) -> Any:
    """Turn `32x32` or a number into a list of extents; leave all else as it is."""
    if isinstance(value, int):
        return [value]
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(x[0-9]+)*", value):
        return [int(extent) for extent in value.split("x")]
    return value


def _many(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) else value


def _number(value: Any) -> Any:
    """Turn `0.4-0.1j` into a complex number, and what has no imaginary part into a real one."""
    try:
        number: complex = CONVERT[complex](None if isinstance(value, bool) else value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError("must be a finite number, or a complex one such as 0.4-0.1j") from None
    whole = isinstance(value, complex) or (isinstance(value, str) and value.strip()[-1] in "ij")
    return number if whole else number.real


def _not_negative(error: float | complex) -> float | complex:
    if min(error.real, error.imag) < 0:
        raise ValueError("must be at least 0, in both parts where it is complex")
    return error


EXTENTS: dict[str, Any] = {
    "anyOf": [{"type": "string", "pattern": "^[0-9]+(x[0-9]+)*$"}, {"type": "integer", "minimum": 1}],
    "description": "Extents, as 32x32; 1 in zero dimensions.",
}
ONE_OR_MANY: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "description": "One name, or several.",
}
NUMBER: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string"}]}
Number = Annotated[float | complex, BeforeValidator(_number), WithJsonSchema(NUMBER)]
Error = Annotated[Number, AfterValidator(_not_negative)]
Extents = Annotated[tuple[Positive, ...], BeforeValidator(_extents), WithJsonSchema(EXTENTS)]
Names = Annotated[tuple[str, ...], BeforeValidator(_many), Field(min_length=1), WithJsonSchema(ONE_OR_MANY)]
Component = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "integer"]})]
Window = Literal["auto"] | Positive


class ListEntry(Strict):
    """Entry of a list of the recipe, which may be for some profiles only."""

    only: Names | None = Field(default=None, description="Profiles that it belongs to; all if left out.")
    _index: int = PrivateAttr(default=0)

    @property
    def index(self) -> int:
        """Index of the entry in the list of the file, before entries of other profiles are left out."""
        return self._index

    def set_index(self, index: int) -> None:
        """Remember the index of the entry in the list of the file."""
        self._index = index
