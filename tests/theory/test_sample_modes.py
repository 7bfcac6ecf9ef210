import jax
import numpy as np
import pytest
from scipy.integrate import dblquad

from jaxmem import theory
from jaxmem.populations import Gaussian
from jaxmem.scores import RandomFeatures
from jaxmem.training import feature_moments, gradient_flow, sample_mode_rate


def test_the_two_scales_by_adaptive_quadrature():
    """v² from the slope in p/n and s² from what is left, against integrals over the bivariate normal law."""
    time, d = 0.4, 7.0
    mu2, sigma2 = np.exp(-2 * time), -np.expm1(-2 * time)

    def kernel(c):
        def weighted(x, y):
            square = (x * x - 2 * c * x * y + y * y) / (1 - c * c)
            return np.tanh(x) * np.tanh(y) * np.exp(-square / 2) / (2 * np.pi * np.sqrt(1 - c * c))

        return dblquad(weighted, -9, 9, -9, 9, epsabs=1e-10)[0]

    grid = np.linspace(-12, 12, 20_001)
    normal = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    slope = np.trapezoid(normal / np.cosh(grid) ** 2, grid)
    whole = np.trapezoid(normal * np.tanh(grid) ** 2, grid)
    per_sample = kernel(mu2) - slope**2 * mu2
    scatter = whole - kernel(mu2) - slope**2 * sigma2
    rates = theory.sample_mode_rate([10, 1e12], 100, d, time) * d / (2 * sigma2)
    np.testing.assert_allclose(rates, [scatter + 10 * per_sample, scatter], rtol=1e-7)


@pytest.mark.parametrize("time", [0.01, 0.05])
def test_the_rate_of_simulated_features(time):
    """Two dimensions: the gap to the theory is O(1/d) of it, and falls."""
    mu, sigma = np.exp(-time), np.sqrt(-np.expm1(-2 * time))
    gaps = []
    for dim, n, p in ((8, 40, 400), (32, 160, 1_000)):
        rates = []
        for seed in range(2 if dim == 8 else 1):
            key = jax.random.key(seed)
            data = Gaussian.isotropic(dim).sample(key, n)
            model = RandomFeatures.draw(key, dim, p)
            moments = feature_moments(key, model, data, mu, sigma, draws=50)
            rates.append(float(sample_mode_rate(gradient_flow(moments, sigma, 1e-3 * sigma**2 / dim), n)))
        gaps.append(np.mean(rates) / theory.sample_mode_rate(n, p, dim, time, 1e-3) - 1)
    assert abs(gaps[1]) < 4 / 32
    assert abs(gaps[1]) < abs(gaps[0])


def test_limits():
    """Rates grow as p/n; without correlation between copies no sample has a direction of its own."""
    assert theory.sample_mode_rate(100, 1e9, 10, 0.1) == pytest.approx(
        4 * theory.sample_mode_rate(400, 1e9, 10, 0.1), rel=1e-5
    )
    late = theory.sample_mode_rate([1, 1_000], 1_000, 10, 20.0)
    assert late[0] == pytest.approx(late[1], rel=1e-9)
    with pytest.raises(ValueError, match="time must be"):
        theory.sample_mode_rate(10, 100, 4, 0.0)
