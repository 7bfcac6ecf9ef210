"""The exact law of K steps against sampled runs, diffrax, and its limits."""

from itertools import pairwise

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from jaxmem.numerics.precision import with_float64
from jaxmem.sampling import continuum_response, propagated_law, step_response
from jaxmem.scores import fit_linear_gaussian

EIGENVALUES = np.array([0.0, 0.01, 0.5, 1.0, 4.0])
ODE = ("euler", "heun", "exponential")
respond = with_float64(jax.jit(step_response, static_argnames=("scheme",)))


def model_of(n=12, dim=4):
    rows = np.random.default_rng(0).normal(size=(n, dim)) * np.array([2.0, 1.0, 0.7, 0.2]) + 1
    return fit_linear_gaussian(rows.astype(np.float32), mean=None)


def times(steps, start, end, spacing=1.0):
    return np.linspace(start ** (1 / spacing), end ** (1 / spacing), steps + 1) ** spacing


def denoised(model, x, time):
    """E[x_0 | x_t] for data of the fitted law, from its dense moments."""
    mean, matrix = np.asarray(model.mean), np.asarray(model.covariance.matrix())
    mu, variance = np.exp(-time), -np.expm1(-2 * time)
    gain = mu * matrix @ np.linalg.inv(mu**2 * matrix + variance * np.eye(len(mean)))
    return mean + (x - mu * mean) @ gain.T


def velocity(model, x, time, score_weight):
    """x + weight · score, by Tweedie's formula."""
    mu, variance = np.exp(-time), -np.expm1(-2 * time)
    return x + score_weight * (mu * denoised(model, x, time) - x) / variance


def sampled_run(model, x, scheme, grid, rng):
    for time, after in pairwise(grid):
        h = time - after
        if scheme == "euler-maruyama":
            x = x + h * velocity(model, x, time, 2) + np.sqrt(2 * h) * rng.normal(size=x.shape)
        elif scheme == "euler":
            x = x + h * velocity(model, x, time, 1)
        elif scheme == "heun":
            first = velocity(model, x, time, 1)
            x = x + h * (first + velocity(model, x + h * first, after, 1)) / 2
        else:
            data = denoised(model, x, time)
            ratio = np.sqrt(np.expm1(-2 * after) / np.expm1(-2 * time))
            x = np.exp(-after) * data + ratio * (x - np.exp(-time) * data)
    return x


@pytest.mark.parametrize("spacing", [1.0, 3.0])
@pytest.mark.parametrize("scheme", ODE)
def test_ode_run(scheme, spacing):
    """The ODE is an affine map: pushing 0 and the axes through it gives its law exactly."""
    model = model_of()
    grid = times(9, 3.0, 0.05, spacing)
    points = np.concatenate([np.zeros((1, 4)), np.eye(4)])
    ends = sampled_run(model, points, scheme, grid, None)
    linear = ends[1:] - ends[0]
    law = propagated_law(
        model, lambda values: step_response(values, 9, scheme=scheme, start=3.0, end=0.05, spacing=spacing)
    )
    assert_allclose(law.mean, ends[0], rtol=1e-10)
    assert_allclose(law.covariance.matrix(), linear.T @ linear, rtol=1e-9, atol=1e-11)


def test_sde_run():
    model, samples = model_of(), 40_000
    rng = np.random.default_rng(1)
    ends = sampled_run(model, rng.normal(size=(samples, 4)), "euler-maruyama", times(8, 3.0, 0.05), rng)
    law = propagated_law(model, lambda values: step_response(values, 8, start=3.0, end=0.05))
    covariance = np.asarray(law.covariance.matrix())
    deviation = np.sqrt(np.diag(covariance))
    assert (np.abs(ends.mean(0) - np.asarray(law.mean)) < 4.5 * deviation / np.sqrt(samples)).all()
    error = np.sqrt((np.outer(deviation, deviation) ** 2 + covariance**2) / samples)
    assert (np.abs(np.cov(ends.T) - covariance) < 4.5 * error).all()


def test_sde_run_of_diffrax():
    """diffrax's Euler on the reverse SDE with the score of the model, at the same 16 steps."""
    model, start, end, steps, samples = model_of(), 2.0, 0.1, 16, 20_000

    def drift(tau, x, _):
        time = start - tau
        return x + 2 * model.score(x, jnp.exp(-time), jnp.sqrt(-jnp.expm1(-2 * time)))

    @jax.jit
    @jax.vmap
    def run(key):
        initial, path = jax.random.split(key)
        brownian = diffrax.VirtualBrownianTree(0.0, start - end, tol=1e-3, shape=(4,), key=path)
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(drift),
            diffrax.ControlTerm(lambda *_: jnp.sqrt(2.0) * jnp.eye(4), brownian),
        )
        solution = diffrax.diffeqsolve(
            terms, diffrax.Euler(), 0.0, start - end, (start - end) / steps, jax.random.normal(initial, (4,))
        )
        return solution.ys[0]

    ends = np.asarray(run(jax.random.split(jax.random.key(2), samples)), np.float64)
    law = propagated_law(model, lambda values: step_response(values, steps, start=start, end=end))
    covariance = np.asarray(law.covariance.matrix())
    deviation = np.sqrt(np.diag(covariance))
    assert (np.abs(ends.mean(0) - np.asarray(law.mean)) < 4.5 * deviation / np.sqrt(samples)).all()
    error = np.sqrt((np.outer(deviation, deviation) ** 2 + covariance**2) / samples)
    assert (np.abs(np.cov(ends.T) - covariance) < 4.5 * error).all()


@pytest.mark.parametrize(
    ("scheme", "order"), [("euler-maruyama", 1), ("euler", 1), ("heun", 2), ("exponential", 1)]
)
def test_order_of_convergence(scheme, order):
    limit = continuum_response(EIGENVALUES, stochastic=scheme == "euler-maruyama", start=3.0, end=0.05)
    errors = []
    for steps in (1600, 3200):
        found = respond(EIGENVALUES, steps, scheme=scheme, start=3.0, end=0.05)
        errors.append([np.abs(np.asarray(a) - np.asarray(b)) for a, b in zip(found, limit, strict=True)])
    coarse, fine = np.array(errors)
    assert (fine < 0.02).all()
    rates = np.log2(coarse[fine > 1e-9] / fine[fine > 1e-9])
    assert rates.size > 5
    assert_allclose(rates, order, atol=0.1)


@pytest.mark.parametrize("stochastic", [True, False])
def test_long_runs_give_the_fitted_law(stochastic):
    """start → ∞, end → 0: N(x̄, C); at a finite end, that law noised up to it."""
    for end in (0.0, 0.3):
        found = continuum_response(EIGENVALUES, stochastic=stochastic, start=40.0, end=end)
        assert_allclose(found.mean, np.exp(-end), rtol=1e-12)
        assert_allclose(found.variance, np.exp(-2 * end) * EIGENVALUES - np.expm1(-2 * end), atol=1e-12)


def test_data_of_unit_variance_are_a_fixed_point():
    """λ = 1: the ODE stands still at N(0, I); Euler–Maruyama settles at 2h / (1 − (1 − h)²)."""
    for scheme in ("euler", "heun"):
        assert_allclose(respond(np.ones(1), 20, scheme=scheme).variance, 1, rtol=1e-13)
    steps, length = 400, (5.0 - 1e-3) / 400
    stationary = 2 * length / (1 - (1 - length) ** 2)
    assert_allclose(respond(np.ones(1), steps).variance, stationary, rtol=1e-3)


def test_exponential_scheme_reaches_the_data():
    found = respond(EIGENVALUES, 2000, scheme="exponential", start=12.0, end=0.0, spacing=7.0)
    assert_allclose(found.variance, EIGENVALUES, rtol=5e-3)
    assert found.variance[0] == 0


def test_grid_of_steps_in_one_compilation():
    grid = jnp.array([1, 2, 5, 40])
    batched = jax.jit(jax.vmap(lambda k: step_response(EIGENVALUES, k)))
    for index, steps in enumerate(grid):
        for many, one in zip(batched(grid), respond(EIGENVALUES, int(steps)), strict=True):
            assert_allclose(many[index], one, rtol=1e-10)
    assert batched._cache_size() == 1


def test_law_is_that_of_the_response():
    model = fit_linear_gaussian(np.random.default_rng(3).normal(size=(3, 6)).astype(np.float32))
    law = propagated_law(model, lambda values: step_response(values, 10))
    response = step_response(np.append(model.covariance.values, 0.0), 10)
    expected = np.sort(np.append(response.variance[:3], [response.variance[-1]] * 3))
    assert_allclose(np.linalg.eigvalsh(np.asarray(law.covariance.matrix())), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"scheme": "milstein"}, "scheme must be one of euler-maruyama, euler, heun, exponential"),
        ({"start": 0.0}, "start must be a finite number above 0"),
        ({"end": -1.0}, "end must be a finite number at least 0"),
        ({"start": 1.0, "end": 2.0}, "end must be before start = 1, got 2"),
        ({"spacing": 0.0}, "spacing must be a finite number above 0"),
    ],
)
def test_bad_input(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        step_response(**({"eigenvalues": EIGENVALUES, "steps": 5} | change))
