"""Jacobians of denoisers: by hand, dense against Lanczos, Stein's estimate in the mean."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmem import metrics
from jaxmem.scores import BiasFreeDenoiser

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def test_by_hand():
    """f(y) = tanh(M y): the rows of M times 1 − f²; eigenpairs are those of the symmetric part."""
    matrix, y = RNG.normal(size=(7, 7)), RNG.normal(size=7)
    exact = (1 - np.tanh(matrix @ y) ** 2)[:, None] * matrix
    found = metrics.jacobian(lambda y: jnp.tanh(matrix @ y), y)
    np.testing.assert_allclose(found, exact, atol=1e-13)
    values, vectors = metrics.jacobian_spectrum(found)
    symmetric = (exact + exact.T) / 2
    np.testing.assert_allclose(symmetric @ np.asarray(vectors), np.asarray(vectors * values), atol=1e-12)
    assert (np.diff(np.asarray(values)) < 0).all()


def test_a_bias_free_network_is_its_jacobian():
    """f(y) = ∇f(y) y, and the Jacobian is the same all along a ray."""
    model = BiasFreeDenoiser.draw(KEY, (4, 4, 1), 1, 4)
    y = jnp.asarray(RNG.normal(size=16), jnp.float32)
    matrix = metrics.jacobian(model, y)
    np.testing.assert_allclose(matrix @ y, model(y), atol=1e-5 * float(abs(model(y)).max()))
    np.testing.assert_allclose(metrics.jacobian(model, 3 * y), matrix, atol=1e-5)


def test_lanczos_finds_the_leading_pairs():
    """Of a matrix that is not symmetric, with leading values that stand apart."""
    basis = np.linalg.qr(RNG.normal(size=(80, 80)))[0]
    spectrum = np.concatenate([[0.95, 0.9, 0.7, 0.5], 0.3 * np.linspace(1, -0.2, 76)])
    skew = RNG.normal(size=(80, 80))
    matrix = basis * spectrum @ basis.T + 0.1 * (skew - skew.T)
    values, vectors = jax.jit(
        lambda y: metrics.leading_jacobian_spectrum(lambda y: matrix @ y, y, KEY, 4)
    )(jnp.zeros(80))  # fmt: skip
    np.testing.assert_allclose(values, spectrum[:4], rtol=1e-6)
    np.testing.assert_allclose(abs((basis[:, :4] * np.asarray(vectors)).sum(0)), 1, rtol=1e-5)
    few = metrics.leading_jacobian_spectrum(lambda y: matrix @ y, jnp.zeros(80), KEY, 80)
    np.testing.assert_allclose(few.values, np.sort(spectrum)[::-1], atol=1e-10)


def test_the_trace_from_random_signs():
    matrix = RNG.normal(size=(30, 30))
    found = [
        float(metrics.jacobian_trace(lambda y: matrix @ y, jnp.zeros(30), jax.random.key(seed), 50))
        for seed in range(40)
    ]
    off = matrix - np.diag(np.diag(matrix))
    deviation = np.sqrt(((off**2).sum() + (off * off.T).sum()) / 50)
    assert abs(np.mean(found) - np.trace(matrix)) < 4 * deviation / np.sqrt(40)
    assert np.std(found) == pytest.approx(deviation, rel=0.35)


def test_stein_estimates_the_error_without_the_clean_point():
    """Of a linear denoiser, over 20,000 noises."""
    gain, x, sigma = RNG.normal(size=(5, 5)) / 3, RNG.normal(size=5), 0.7
    y = x + sigma * RNG.normal(size=(20_000, 5))
    output = y @ gain.T
    trace = np.full(20_000, np.trace(gain))
    difference = np.asarray(metrics.stein_risk(output, y, sigma, trace)) - ((output - x) ** 2).mean(1)
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(20_000)
    assert difference.std() < 1


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="count must be a whole number of at least 1 and at most 3, got 4"):
        metrics.leading_jacobian_spectrum(lambda y: y, jnp.zeros(3), KEY, 4)
    with pytest.raises(ValueError, match="probes must be a whole number of at least 1, got 0"):
        metrics.jacobian_trace(lambda y: y, jnp.zeros(3), KEY, 0)
