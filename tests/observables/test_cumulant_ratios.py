"""Ratios of cumulants on distributions that are known."""

import numpy as np
import pytest

from sqcli.observables.cumulant_ratios import ratios


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_two_values_of_equal_weight(scale):
    moments = np.array([scale**n for n in (2, 4, 6, 8)])
    assert ratios(moments) == pytest.approx([-2, 16, -272])


def test_a_gaussian_has_none():
    assert ratios(np.array([1.0, 3.0, 15.0, 105.0])) == pytest.approx([0, 0, 0])
