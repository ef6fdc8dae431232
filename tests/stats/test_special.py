import math

import numpy as np
import pytest

from sqcli.stats import chi2_p, student_p, z_score
from sqcli.stats.special import normal_quantile, normal_upper_quantile

special = pytest.importorskip("scipy.special")


def test_normal_quantile():
    p = np.concatenate([np.geomspace(1e-12, 0.4, 60), np.linspace(0.4, 1 - 1e-9, 60)])
    assert np.allclose(normal_quantile(p), special.ndtri(p), rtol=2e-9, atol=2e-9)


@pytest.mark.parametrize("p", [1e-250, 1e-30, 1e-9, 1e-3, 0.2, 0.5, 0.9])
def test_upper_quantile(p):
    assert normal_upper_quantile(p) == pytest.approx(-special.ndtri(p), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("dof", [1, 2.5, 3, 15, 63, 1000, 1e5])
@pytest.mark.parametrize("t", [0.0, 0.1, 1.0, 3.0, 10.0])
def test_student(t, dof):
    assert student_p(t, dof) == pytest.approx(2 * special.stdtr(dof, -t), rel=1e-8)


@pytest.mark.parametrize("dof", [1, 3, 15, 255, 4000])
@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0, 1.3, 2.0])
def test_chi2(dof, ratio):
    assert chi2_p(ratio * dof, dof) == pytest.approx(special.chdtrc(dof, ratio * dof), rel=1e-8, abs=1e-14)


def test_z_of_few_degrees_of_freedom():
    assert z_score(3.0, 1.0) == 3.0
    assert z_score(-3.0, 1.0, dof=1e7) == pytest.approx(-3.0)
    assert z_score(3.0, 1.0, dof=3) == pytest.approx(-special.ndtri(special.stdtr(3, -3.0)))
    assert z_score(1e200, 1.0, dof=1e7) == 38.0
    assert z_score(0.0, 0.0) == 0.0
    assert z_score(1.0, 0.0) is None
    assert z_score(1.0, None) is None
    assert not math.isnan(z_score(0.0, 1.0, dof=1))
