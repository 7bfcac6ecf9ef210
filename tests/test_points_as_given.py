"""Populations, scores and samplers compute in floating point on whatever holds real numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from typechecking import unchecked

from jaxmem import noising, sampling, scores
from jaxmem.populations import Empirical, Gaussian, GaussianMixture
from jaxmem.scores import ResidualMLP

GAUSSIAN = Gaussian.from_covariance(np.array([0.5, -1.0]), np.array([[2.0, 0.5], [0.5, 1.0]]))
POINTS = np.array([[1, -2], [3, 0], [0, 1]])
FITTED = scores.fit_linear_gaussian(np.random.default_rng(0).normal(size=(9, 2)))
KEY = jax.random.key(0)


@pytest.fixture(autouse=True)
def _as_a_user_calls_them():
    with unchecked():
        yield


FUNCTIONS = {
    "score": GAUSSIAN.score,
    "log density": GAUSSIAN.log_density,
    "mixture score": GaussianMixture.of([0.4, 0.6], [GAUSSIAN, Gaussian.isotropic(2)]).score,
    "mixture density": GaussianMixture.of([0.4, 0.6], [GAUSSIAN, Gaussian.isotropic(2)]).log_density,
    "empirical population": lambda x: Empirical(x).mean(),
    "empirical score": lambda x: scores.empirical_score(x, x, 0.8, 0.6),
    "generate": FITTED.generate,
    "fit": lambda x: scores.fit_linear_gaussian(x).covariance.diagonal(),
    "noise": lambda x: noising.add_noise(x, x, 0.8, 0.6),
    "denoiser": lambda x: noising.denoiser_from_score(x, x, 0.8, 0.6),
    "flow": lambda x: sampling.probability_flow(lambda t, y: -y, x[0], 1.0, 0.5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_whole_numbers_and_lists_are_points(name):
    function = FUNCTIONS[name]
    wanted = np.asarray(function(POINTS.astype(np.float32)))
    for given in (POINTS, POINTS.tolist(), POINTS.astype(np.float16)):
        np.testing.assert_allclose(
            np.asarray(function(given)), wanted, rtol=2e-3 if given is not POINTS else 1e-5
        )


@pytest.mark.parametrize("name", ["score", "empirical score", "fit", "noise"])
def test_what_is_not_real_is_refused(name):
    function = FUNCTIONS[name]
    for given in (POINTS + 1j, np.ma.masked_equal(POINTS, -2), POINTS.astype(object)):
        with pytest.raises(ValueError, match="must be"):
            function(given)


def test_covariances_of_whole_numbers():
    law = Gaussian.from_covariance([0, 0], [[2, 1], [1, 2]])
    np.testing.assert_allclose(law.eigenvalues, [3, 1])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: Gaussian(np.zeros(2), np.array([1.0, -1.0])),
            "eigenvalues must be a finite number at least 0",
        ),
        (
            lambda: Empirical(POINTS).sample(KEY, -1),
            "n must be a whole number of at least 0 and .* 3, got -1",
        ),
        (lambda: noising.ornstein_uhlenbeck(-1), "time must be a finite number at least 0, got -1"),
        (
            lambda: sampling.ancestral(lambda t, x: -x, KEY, np.zeros(2), np.array([0.1, 1.0])),
            "times, reversed, must be strictly increasing",
        ),
    ],
)
def test_nonsense_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("end", [1e-5, 1e-7])
def test_the_score_gets_the_times_of_the_grid(end):
    """Down to where T − t has no digits left for t."""
    times = sampling.time_grid(1.0, end, 20, spacing="log")
    seen = []

    def score(time, x):
        jax.debug.callback(lambda t: seen.append(float(t)), time)
        return jnp.zeros_like(x)

    assert np.isfinite(sampling.reverse_sde(score, KEY, jnp.zeros(1), times)).all()
    jax.effects_barrier()
    np.testing.assert_allclose(sorted(set(seen)), np.sort(times)[1:], rtol=1e-6)
    flow = sampling.probability_flow(lambda t, x: -jnp.log(t) * jnp.ones_like(x), jnp.zeros(1), 1.0, end)
    # x' = x − log t backwards from t = 1: x = ∫_end^1 e^{t − end} (−log t) dt
    wanted = quad(lambda t: np.exp(t - end) * -np.log(t), end, 1)[0]
    np.testing.assert_allclose(flow, wanted, rtol=1e-4)


def test_tied_blocks_start_as_the_identity():
    model = ResidualMLP.draw(KEY, 3, 8, 4, start="tied")
    assert np.ptp(np.asarray(model.inner), axis=0).max() == 0
    assert not np.asarray(model.outer).any()
    assert np.ptp(np.asarray(ResidualMLP.draw(KEY, 3, 8, 4).inner), axis=0).max() > 0
