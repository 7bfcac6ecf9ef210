"""Monte Carlo distances of two laws from their densities."""

import numpy as np
import pytest
from scipy.stats import norm
from typechecking import unchecked

from jaxmem.metrics import density_distances

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
