"""Complex numbers in formulas of many sites at once, and the lists of real numbers that matrices are kept as."""

from dataclasses import dataclass

from sqcli.lattice.lanes import Number

Numbers = list[Number]


@dataclass(frozen=True)
class Complex:
    """A complex number of each site."""

    re: Number
    im: Number

    def conjugate(self) -> "Complex":
        """Return z*."""
        return Complex(self.re, -self.im)

    def turned(self) -> "Complex":
        """Return i z."""
        return Complex(-self.im, self.re)

    def __neg__(self) -> "Complex":
        return Complex(-self.re, -self.im)

    def __add__(self, other: "Complex") -> "Complex":
        return Complex(self.re + other.re, self.im + other.im)

    def times(self, factor: Number | float) -> "Complex":
        """Multiply by a real number."""
        return Complex(self.re * factor, self.im * factor)

    def square(self) -> Number:
        """Compute |z|²."""
        return self.re * self.re + self.im * self.im


def dot(left: list[Complex], right: list[Complex], onto: Complex | None = None) -> Complex:
    """Compute onto + Σ left·right, one product added after the other."""
    for a, b in zip(left, right, strict=True):
        if onto is None:
            re, im = a.re * b.re, a.re * b.im
        else:
            re, im = onto.re + a.re * b.re, onto.im + a.re * b.im
        onto = Complex(re - a.im * b.im, im + a.im * b.re)
    assert onto is not None
    return onto


def flat(entries: list[Complex]) -> Numbers:
    """List real and imaginary parts in turn."""
    return [part for z in entries for part in (z.re, z.im)]


def entries(numbers: Numbers) -> list[Complex]:
    """Take complex numbers back from real and imaginary parts in turn."""
    return [Complex(re, im) for re, im in zip(numbers[::2], numbers[1::2], strict=True)]
