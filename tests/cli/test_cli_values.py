import pytest
import typer

from sqcli.cli import values
from sqcli.errors import UsageError


@pytest.mark.parametrize(("text", "extents"), [("1", (1,)), ("32x16", (32, 16)), ("4x4x4x8", (4, 4, 4, 8))])
def test_lattices(text, extents):
    assert values.lattice(text) == extents


@pytest.mark.parametrize(
    "text", ["", "x", "32x", "x32", "8X8", "-8x8", "8.0x8", "8x0", "٣x٣", "99999x99999", "x".join("1" * 9), "1" * 5000]
)
def test_bad_lattices(text):
    with pytest.raises(UsageError, match="--lattice"):
        values.lattice(text)


@pytest.mark.parametrize("text", ["", "3", "3:", ":3", "3:3", "4:3", "-1:3", "0:1:2", "a:b"])
def test_bad_chain_ranges(text):
    with pytest.raises(UsageError, match="--chain-range"):
        values.chain_range(text)


def test_chain_range():
    assert values.chain_range("0:12") == (0, 12)


def test_pairs():
    given = ["kappa=0.2", "sigma0=-4+10j", "kappa=0.2", "path=a=b", "x= 1 "]
    assert values.pairs("-p", given) == {"kappa": "0.2", "sigma0": "-4+10j", "path": "a=b", "x": "1"}
    assert values.pairs("-p", None) == {}


@pytest.mark.parametrize("text", ["kappa", "=1", "kappa=", "kappa= ", "1a=2", "", "a b=1"])
def test_a_malformed_pair_is_named(text):
    with pytest.raises(UsageError) as error:
        values.pairs("-p", [text])
    assert repr(text) in str(error.value)


def test_a_pair_given_twice_with_two_values():
    with pytest.raises(UsageError, match=r"-a n_steps is given twice: 3 and 4"):
        values.pairs("-a", ["n_steps=3", "n_steps=4"])


@pytest.mark.parametrize("text", ["1x1", "1x1,2x2", "10x3"])
def test_sizes(text):
    assert values.sizes(text) == text


@pytest.mark.parametrize("text", ["", "0x1", "1", "1x1,", "1x1;2x2", "axb"])
def test_bad_sizes(text):
    with pytest.raises(UsageError, match="--sizes"):
        values.sizes(text)


@pytest.mark.parametrize("text", ["-1", "", "1.0", "1e3", "1_000", "²", "9" * 41, str(2**64)])
def test_bad_whole_numbers(text):
    with pytest.raises(typer.BadParameter):
        values.whole(0, 2**64 - 1)(text)


def test_whole_numbers():
    assert values.whole(0, 2**64 - 1)(str(2**64 - 1)) == 2**64 - 1
    assert values.whole(1)(7) == 7


@pytest.mark.parametrize("text", ["nan", "inf", "0", "-1", "x", ""])
def test_bad_real_numbers(text):
    with pytest.raises(typer.BadParameter):
        values.real(0, above=True)(text)


def test_windows():
    assert [values.window_length(text) for text in ("auto", "12")] == ["auto", "12"]
    with pytest.raises(typer.BadParameter):
        values.window_length("0")


@pytest.mark.parametrize("text", ["1", "1.5", "inf", "-0.1"])
def test_a_fraction_is_below_its_bound(text):
    with pytest.raises(typer.BadParameter, match="of at least 0 and below 1"):
        values.real(0, below=1)(text)


def test_a_fraction_within_its_bounds_is_read():
    assert [values.real(0, below=1)(text) for text in ("0", "0.25", "0.999")] == [0, 0.25, 0.999]
