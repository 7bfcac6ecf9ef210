import numpy as np
import pytest
from scipy.stats import multivariate_normal

from jaxmem import theory

EIGENVALUES = np.array([2.0, 0.5])


def test_one_noise_is_the_wiener_filter():
    y = np.random.default_rng(0).standard_normal((3, 4, 2))
    expected = y * EIGENVALUES / (EIGENVALUES + 0.7**2)
    np.testing.assert_allclose(theory.blind_wiener(y, EIGENVALUES, [0.7]), expected, rtol=1e-14)
    np.testing.assert_allclose(
        theory.blind_wiener(y, EIGENVALUES, [0.1, 0.7, 2.0], [0, 3, 0]), expected, rtol=1e-14
    )
    np.testing.assert_array_equal(theory.wiener_gain([1.0, 0.0], [0.0, 1.0]), [[1, 0], [0.5, 0]])
    assert theory.wiener_error(EIGENVALUES, 0.7) == pytest.approx(2 * 0.49 / 2.49 + 0.5 * 0.49 / 0.99)
    assert isinstance(theory.wiener_error(EIGENVALUES, 0.7), float)


def test_the_mixture_is_the_posterior_mean():
    """∫ x p(x) Σ_σ p(σ) N(y; x, σ²) dx over the same without x, on a grid of x in the plane."""
    noises, weights = np.array([0.3, 1.0, 2.5]), np.array([0.5, 0.2, 0.3])
    x = np.stack(np.meshgrid(*2 * [np.linspace(-8, 8, 801)], indexing="ij"), -1)
    prior = multivariate_normal([0, 0], np.diag(EIGENVALUES)).pdf(x)
    for y in ([0.4, -0.3], [3.0, 1.0], [-1.0, 2.5]):
        likelihood = sum(
            weight * multivariate_normal(y, noise**2 * np.eye(2)).pdf(x)
            for noise, weight in zip(noises, weights, strict=True)
        )
        joint = prior * likelihood
        expected = (joint[..., None] * x).sum((0, 1)) / joint.sum()
        np.testing.assert_allclose(
            theory.blind_wiener(y, EIGENVALUES, noises, 7 * weights), expected, rtol=1e-6
        )


def test_posterior_of_the_noise():
    y, noises = np.array([[1.0, -2.0], [0.1, 0.0]]), np.array([0.2, 1.0])
    densities = [
        [weight * multivariate_normal([0, 0], np.diag(EIGENVALUES + s**2)).pdf(row) for row in y]
        for s, weight in zip(noises, (0.25, 0.75), strict=True)
    ]
    expected = np.transpose(densities) / np.sum(densities, axis=0)[:, None]
    found = theory.noise_log_posterior(y, EIGENVALUES, noises, [1, 3])
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-12)
    never = theory.noise_log_posterior(y, EIGENVALUES, noises, [1, 0])
    np.testing.assert_array_equal(never, [[0, -np.inf], [0, -np.inf]])


def test_many_dimensions_give_the_noise_away():
    """Densities of e^{±10⁵}: nothing overflows, and one filter is left."""
    rng = np.random.default_rng(1)
    eigenvalues = np.linspace(0, 2, 100_000)
    noises = np.array([1e-3, 0.5, 0.6, 30.0])
    y = np.sqrt(eigenvalues + 0.25) * rng.standard_normal(100_000)
    posterior = theory.noise_log_posterior(y, eigenvalues, noises)
    assert np.isfinite(posterior).all()
    assert np.exp(posterior[1]) == pytest.approx(1, abs=1e-12)
    gain = theory.wiener_gain(eigenvalues, 0.5)
    np.testing.assert_allclose(theory.blind_wiener(y, eigenvalues, noises), gain * y, rtol=1e-12)


def test_no_other_denoiser_of_y_is_better():
    """The error of the blind filter is least among scaled and mismatched ones, and above that of a told σ."""
    rng = np.random.default_rng(2)
    noises = np.array([0.2, 2.0])
    x = np.sqrt(EIGENVALUES) * rng.standard_normal((40_000, 2))
    noise = rng.choice(noises, 40_000)[:, None]
    y = x + noise * rng.standard_normal(x.shape)

    def error(f):
        return ((f - x) ** 2).sum(-1).mean()

    blind = error(theory.blind_wiener(y, EIGENVALUES, noises))
    told = theory.wiener_error(EIGENVALUES, noises).mean()
    assert told < blind < error(y * theory.wiener_gain(EIGENVALUES, 1.0))
    for other in ([0.2, 2.2], [0.3, 2.0]):
        assert blind < error(theory.blind_wiener(y, EIGENVALUES, other))
    assert blind < error(theory.blind_wiener(y, EIGENVALUES, noises, [1, 2]))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1.0, 2.0, 3.0], [1.0, 2.0], [1.0]), r"y must have 2 entries in its last axis, got shape \(3,\)"),
        (([1.0, 2.0], [1.0, 2.0], [0.0]), "noises must be a finite number above 0"),
        (([1.0, 2.0], [1.0, 2.0], [1.0], [0.0]), "weights must hold at least one above 0"),
        (([1.0, 2.0], [1.0, 2.0], [1.0], [1.0, 2.0]), r"weights must have shape \(1\)"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        theory.blind_wiener(*arguments)
