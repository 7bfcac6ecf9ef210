import numpy as np
import pytest
from scipy.integrate import quad

from jaxmem import theory

DATA = np.array([0.3, -1.2, 0.9, 2.0, -0.1])
MU, SIGMA = 0.8, 0.35


def sides(y, sample):
    """P(Z > y)² E[Z − y | Z > y] and its mirror image, from a sample of Z, as written in the source."""
    above, below = sample[sample > y], sample[sample < y]
    right = (above.size / sample.size) ** 2 * (above - y).mean() if above.size else 0.0
    left = (below.size / sample.size) ** 2 * (y - below).mean() if below.size else 0.0
    return right, left


def test_regularity_weight_is_the_average_of_the_source():
    for y in (-0.9, -0.2, 0.1, 0.5, 1.4):

        def integrand(xi, at=y):
            density = np.exp(-(xi**2) / (2 * SIGMA**2)) / (SIGMA * np.sqrt(2 * np.pi))
            return density * min(sides(at - xi, MU * DATA))

        breaks = sorted(y - MU * DATA)
        average, _ = quad(integrand, -4, 4, points=breaks, limit=500)
        assert theory.regularity_weight(y, DATA, MU, SIGMA) == pytest.approx(average, rel=1e-5)
    outside = theory.regularity_weight([MU * -1.21, MU * 2.01], DATA, MU, SIGMA)
    assert outside.tolist() == [0.0, 0.0]


def test_noised_weight_in_simulation():
    generator = np.random.default_rng(0)
    sample = MU * generator.choice(DATA, 400_000) + SIGMA * generator.standard_normal(400_000)
    for y in (-1.5, -0.2, 0.3, 2.5):
        expected = min(sides(y, sample))
        assert theory.noised_weight(y, DATA, MU, SIGMA) == pytest.approx(expected, rel=0.03, abs=1e-5)


def test_weights_agree_for_little_noise_and_shift_with_the_data():
    y = np.linspace(-0.9, 1.5, 9)
    np.testing.assert_allclose(
        theory.regularity_weight(y, DATA, MU, 1e-4), theory.noised_weight(y, DATA, MU, 1e-4), rtol=1e-3
    )
    for weight in (theory.regularity_weight, theory.noised_weight):
        shifted = weight(y + 3 * MU, DATA + 3, MU, SIGMA)
        np.testing.assert_allclose(shifted, weight(y, DATA, MU, SIGMA), rtol=1e-10)
        mirrored = weight(-y, -DATA, MU, SIGMA)
        np.testing.assert_allclose(mirrored, weight(y, DATA, MU, SIGMA), rtol=1e-10)


def optimal_score_curvature(y, data, mu, sigma):
    """s*'' = μ³/σ⁶ times the third central moment of the softmax weights."""
    logits = -((y[:, None] - mu * data) ** 2) / (2 * sigma**2)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    centred = data - (weights @ data)[:, None]
    return mu**3 / sigma**6 * (weights * centred**3).sum(1)


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.15])
@pytest.mark.parametrize("n", [2, 5, 10])
def test_roughness_of_the_optimal_score_is_above_its_bound(sigma, n):
    data, mu = np.arange(n) + 0.0, 0.9
    bound = theory.score_roughness_bound(n, 1.0, mu, sigma)
    assert (bound > 0) == (16 * n**3 * np.exp(-((mu / sigma) ** 2) / 4) <= 1)
    y = np.linspace(0, mu * (n - 1), 40_001)
    weighted = np.abs(optimal_score_curvature(y, data, mu, sigma)) * theory.regularity_weight(
        y, data, mu, sigma
    )
    assert np.trapezoid(weighted, y) >= bound


def test_roughness_bound_scales_and_is_trivial_where_unproved():
    ratio = theory.score_roughness_bound(4, 1.0, 1.0, 0.1) / theory.score_roughness_bound(4, 1.0, 1.0, 0.05)
    assert ratio == pytest.approx(1 / 16)
    assert theory.score_roughness_bound(100, 0.1, 1.0, 1.0) == 0


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"sigma must be a finite number above 0, got 0"):
        theory.regularity_weight(0.0, DATA, MU, 0.0)
    with pytest.raises(ValueError, match=r"data must be a finite number, got inf\."):
        theory.noised_weight(0.0, [1.0, np.inf], MU, SIGMA)
