"""Monte Carlo distances of two laws from their densities."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm as jnorm
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm
from typechecking import unchecked

from jaxmem.metrics import density_distances, log_affinity_to_gaussian

P, Q = norm(0.0, 1.0), norm(0.5, 1.3)
DRAWS = 200_000


def evaluated(p, q, draws=DRAWS):
    x, y = (law.rvs(draws, random_state=seed) for seed, law in enumerate((p, q)))
    return p.logpdf(x), q.logpdf(x), p.logpdf(y), q.logpdf(y)


def gaussian_divergence(p, q):
    """KL(p‖q) of two normal laws."""
    ratio = (p.var() + (p.mean() - q.mean()) ** 2) / q.var()
    return (ratio - 1 + np.log(q.var() / p.var())) / 2


def gaussian_affinity(p, q):
    """1 − H² of two normal laws."""
    total = p.var() + q.var()
    return np.sqrt(2 * p.std() * q.std() / total) * np.exp(-((p.mean() - q.mean()) ** 2) / (4 * total))


def test_closed_form_within_the_standard_error():
    logs = evaluated(P, Q)
    found = density_distances(*logs)
    for value, (own, other), exact in (
        (found.kl_pq, (logs[0], logs[1]), gaussian_divergence(P, Q)),
        (found.kl_qp, (logs[3], logs[2]), gaussian_divergence(Q, P)),
    ):
        assert abs(value - exact) < 4.5 * (own - other).std() / np.sqrt(DRAWS)
    exact = gaussian_affinity(P, Q)
    halves = [np.exp((logs[1] - logs[0]) / 2), np.exp((logs[2] - logs[3]) / 2)]
    error = np.hypot(*(half.std() for half in halves)) / 2 / np.sqrt(DRAWS)
    assert abs(np.exp(found.log_affinity) - exact) < 4.5 * error
    assert found.hellinger_squared == pytest.approx(1 - np.exp(found.log_affinity), rel=1e-12)


def test_equal_laws_have_no_distance_and_exchange_exchanges():
    assert max(map(abs, density_distances(*evaluated(P, P, 100)))) < 1e-15
    logs = evaluated(P, Q, 100)
    forth, back = (np.array(density_distances(*order)) for order in (logs, logs[::-1]))
    np.testing.assert_allclose(forth, back[[0, 1, 3, 2]], rtol=1e-14)


def test_laws_that_never_meet():
    here, nowhere = np.zeros(5), np.full(5, -np.inf)
    found = density_distances(here, nowhere, nowhere, here)
    assert found == (1.0, -np.inf, np.inf, np.inf)


def test_log_densities_beyond_floating_point():
    """Shifts of 10⁴ nats, far under the least float64, cancel."""
    logs = evaluated(P, Q, 1_000)
    np.testing.assert_allclose(
        density_distances(*(value - 1e4 for value in logs)), density_distances(*logs), rtol=1e-9
    )


def test_unpaired_densities_are_refused():
    with unchecked(), pytest.raises(ValueError, match="log_q_at_p must"):
        density_distances(np.zeros(3), np.zeros(4), np.zeros(3), np.zeros(3))


def test_affinity_to_a_gaussian_is_exact_for_another_even_where_it_is_thin():
    rng = np.random.default_rng(0)
    dim = 5
    root, left, right = (np.linalg.qr(rng.normal(size=(dim, dim)))[0] for _ in range(3))
    covariance = root * np.geomspace(0.2, 3, dim) @ root.T
    mean, centre = rng.normal(size=(2, dim))
    values = np.array([1.0, 0.7, 0.1, 1e-4, 1e-9])  # F Fᵀ has eigenvalues 18 digits apart
    factor = left * values @ right
    found = log_affinity_to_gaussian(
        multivariate_normal(mean, covariance).logpdf,
        mean,
        covariance,
        centre,
        factor,
        rng.normal(size=(3, dim)),
    )
    # ∫ √(p q) with q in the axes of its factor: ¼ log det Σ + ½ log det F − ½ log det((Σ + F Fᵀ)/2) − ¼ …
    both, apart = covariance + factor @ factor.T, mean - centre
    wanted = (
        np.linalg.slogdet(covariance)[1] / 4
        + np.log(values).sum() / 2
        - np.linalg.slogdet(both / 2)[1] / 2
        - apart @ np.linalg.solve(both, apart) / 4
    )
    assert abs(float(found) - wanted) < 1e-6


def test_affinity_of_a_mixture_and_a_gaussian():
    places, weight = np.array([-1.0, 1.5]), 0.3

    def density(x):
        return weight * norm.pdf(x, places[0], 0.6) + (1 - weight) * norm.pdf(x, places[1], 0.6)

    mean = weight * places[0] + (1 - weight) * places[1]
    variance = 0.36 + weight * (1 - weight) * (places[1] - places[0]) ** 2
    normals = np.random.default_rng(1).normal(size=(20_000, 1))

    def log_density(x):
        return jnp.logaddexp(
            jnp.log(weight) + jnorm.logpdf(x[:, 0], places[0], 0.6),
            jnp.log(1 - weight) + jnorm.logpdf(x[:, 0], places[1], 0.6),
        )

    found = log_affinity_to_gaussian(
        log_density, np.array([mean]), np.array([[variance]]), np.array([0.4]), np.array([[0.8]]), normals
    )
    wanted = quad(lambda x: np.sqrt(density(x) * norm.pdf(x, 0.4, 0.8)), -8, 8)[0]
    assert abs(float(found) - np.log(wanted)) < 0.01  # 4 standard errors of 0.0025
