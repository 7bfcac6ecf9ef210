"""The feature-likelihood gap: its maximum likelihood, its sign, and its scores."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from jaxmem.metrics import likelihood_scores

RANDOM = np.random.default_rng(6)


def log_density(squares, dim, variances):
    exponents = -squares / (2 * variances) - dim / 2 * np.log(2 * np.pi * variances)
    return logsumexp(exponents, axis=1) - np.log(squares.shape[1])


def test_reaches_the_maximum_likelihood_of_an_optimiser():
    generated, data = RANDOM.normal(size=(3, 2)), 2 * RANDOM.normal(size=(60, 2))
    squares = cdist(data, generated, "sqeuclidean")

    def minus_likelihood(logs):
        return -log_density(squares, 2, np.maximum(np.exp(logs), 1e-3 * 4)).mean()

    best = minimize(minus_likelihood, np.zeros(3), method="Nelder-Mead", options={"maxiter": 2_000}).fun
    found = likelihood_scores(squares, 2, variance=4.0, iterations=300)
    assert found.mean() == pytest.approx(100 / 2 * best, abs=0.02)


def test_copies_make_train_samples_more_probable_and_others_do_not():
    train, held_out = RANDOM.normal(size=(2, 80, 5))
    pool = np.concatenate([train, held_out])
    for made, low, high in (
        (train + 0.05 * RANDOM.normal(size=train.shape), -np.inf, -20),
        (RANDOM.normal(size=train.shape), -20, 20),
    ):
        scores = likelihood_scores(cdist(pool, made, "sqeuclidean"), 5, variance=1.0)
        assert low < scores[:80].mean() - scores[80:].mean() < high
