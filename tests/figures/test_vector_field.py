"""Score and drift of a complex Gaussian on a grid: both linear, one with a curl, and three densities that agree."""

import numpy as np
import pytest
from drawn import write
from models import known_model, pairs_model

from sqcli.analysis import fokker_planck
from sqcli.errors import UsageError
from sqcli.figures import plot
from sqcli.figures._model_source import ModelSource
from sqcli.figures._plane_fields import compared
from sqcli.figures.vector_field import VectorFieldFigure
from sqcli.theories.complex_gaussian import ComplexGaussian
from sqcli.theories.complex_quartic import ComplexQuartic

SIGMA = 1 + 1j
QUARTIC = {"theory": "complex_quartic", "parameters": {"sigma0": SIGMA, "lambda": 1 + 0j}}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return pairs_model(tmp_path_factory.mktemp("models") / "m", SIGMA)


@pytest.mark.parametrize("level", [0.01, 0.5])
def test_score_drift_and_curls_of_a_gaussian(model, level):
    """The score of N(0, C) with noise of the level s is −C⁻¹ (x, y)/(1 + s²), a gradient; the drift is −σ₀z."""
    found = compared(ModelSource(model), VectorFieldFigure(levels=(level,)), 100)
    inverse = np.linalg.inv(fokker_planck.covariance(ComplexGaussian(SIGMA))) / (1 + level**2)
    z = found.plane.z
    expected = -np.einsum("ab,bxy->axy", inverse, np.stack([z.real, z.imag]))
    np.testing.assert_allclose(found.score, expected[0] + 1j * expected[1], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.score_curl, 0, atol=1e-6)
    np.testing.assert_allclose(found.score_slope, np.linalg.norm(inverse))
    np.testing.assert_allclose(found.drift_slope, np.sqrt(2) * abs(SIGMA), rtol=1e-6)
    np.testing.assert_allclose(found.drift, -SIGMA * z)
    np.testing.assert_allclose(found.drift_curl, -2 * SIGMA.imag, rtol=1e-6)
    np.testing.assert_allclose(found.log_density * (1 + level**2), found.log_known, atol=2e-2)


def test_the_curl_of_the_drift_of_a_quartic_action(tmp_path):
    """By Cauchy and Riemann ∂_xK_y − ∂_yK_x = 2 Im K′ = −2 Im S″."""
    found = compared(ModelSource(pairs_model(tmp_path / "m", **QUARTIC)), VectorFieldFigure(), 100)
    theory, z = ComplexQuartic(1 + 1j, 1 + 0j), found.plane.z
    np.testing.assert_allclose(found.drift, -theory.slope(z))
    np.testing.assert_allclose(found.drift_curl, -2 * theory.curvature(z).imag, rtol=1e-6, atol=1e-6)
    solution = fokker_planck.hermite(theory)
    np.testing.assert_allclose(found.known[1], solution.marginals()[1])


def test_draws_of_model_and_ensemble_are_shown(model, tmp_path):
    z = np.random.default_rng(1).standard_normal((2, 30, 1, 2)) @ [1, 0.2j]
    write(tmp_path / "e", z, "complex_gaussian", {"sigma0": "1+1j"}, field="z", seed=1)
    found = compared(ModelSource(model, tmp_path / "e"), VectorFieldFigure(), 500)
    assert sorted(found.data.imag) == sorted(z.imag.reshape(-1))
    assert found.drawn.shape == (500,)
    assert abs((found.drawn**2).mean() - 1 / SIGMA) < 0.3
    lines = plot(model, "vector_field", tmp_path / "x.png", ensemble=tmp_path / "e", draws=500).lines
    assert [line.split(":")[0] for line in lines[1:]] == ["drift of complex Langevin", "<z^2> of 500 draws"]


def test_what_has_no_plane_is_refused(model, tmp_path):
    with pytest.raises(UsageError, match="one complex variable"):
        plot(known_model(tmp_path / "f"), "vector_field", tmp_path / "x.png")
    with pytest.raises(UsageError, match="one level"):
        plot(model, "vector_field", tmp_path / "x.png", levels=(0.1, 0.2))
    with pytest.raises(UsageError, match="S is complex"):
        plot(model, "score", tmp_path / "x.png")
