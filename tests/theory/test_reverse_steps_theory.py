import itertools

import numpy as np
import pytest
from covariance_draws import assert_within, covariances

from jaxmem import theory

EIGENVALUES = np.array([0.0, 0.1, 1.0, 3.0])


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0])
def test_many_steps_give_the_law_of_the_data(noise):
    errors = []
    for steps in (1000, 2000):
        variance = theory.reverse_step_variance([0.1, 3.0], np.linspace(9, 0, steps + 1), noise)
        errors.append(variance - np.array([0.1, 3.0]))
    np.testing.assert_allclose(errors[1], 0, atol=0.02)
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.1)  # first order


def test_recursion_is_what_steps_do_to_samples():
    generator = np.random.default_rng(0)
    times, noise = np.array([2.0, 1.0, 0.4, 0.1]), 0.7
    x = generator.standard_normal((200_000, 4))
    for time, following in itertools.pairwise(times):
        length = time - following
        variance = np.exp(-2 * time) * EIGENVALUES + 1 - np.exp(-2 * time)
        x = x + length * (x - (1 + noise**2) * x / variance)
        x += np.sqrt(2 * length) * noise * generator.standard_normal(x.shape)
    assert_within(x**2, theory.reverse_step_variance(EIGENVALUES, times, noise))


def test_distance_of_a_simulated_fit():
    d, load, times = 200, 0.5, np.linspace(4, 0.01, 13)
    draws = []
    for matrix in covariances(np.ones(d), round(load * d), 12, seed=1):
        values = np.maximum(np.linalg.eigvalsh(matrix), 0)
        draws.append(((np.sqrt(theory.reverse_step_variance(values, times)) - 1) ** 2).mean())
    assert_within(draws, theory.reverse_step_bures(load, times), allowance=1 / d)


def test_few_steps_can_beat_many_and_many_give_the_fit():
    few, some, more = [theory.reverse_step_bures(0.2, np.linspace(5, 0, steps + 1)) for steps in (5, 10, 20)]
    many = theory.reverse_step_bures(0.2, np.append(np.geomspace(9, 1e-6, 3000), 0))
    assert some < 0.2 < few < many
    assert some < more < many
    assert many == pytest.approx(theory.bures_per_dimension(0.2), rel=0.01)


def test_the_simulation_agrees():
    sampling = pytest.importorskip("jaxmem.sampling")
    for noise, scheme in ((1.0, "euler-maruyama"), (0.0, "euler")):
        response = sampling.step_response(EIGENVALUES, 7, scheme=scheme, start=3.0, end=0.05)
        expected = theory.reverse_step_variance(EIGENVALUES, np.linspace(3, 0.05, 8), noise)
        np.testing.assert_allclose(response.variance, expected, rtol=1e-10)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(
        ValueError, match=r"times must be at least two, strictly decreasing, got \[1\.0, 2\.0\]"
    ):
        theory.reverse_step_variance(1.0, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"noise must be a finite number at least 0, got -1"):
        theory.reverse_step_bures(1.0, [2.0, 1.0], -1.0)
