"""The one-step linear denoiser against least squares by singular values in NumPy."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typechecking import unchecked

from jaxmem.numerics.randomness import stream
from jaxmem.populations import Gaussian
from jaxmem.scores import (
    denoise,
    denoiser_capacity,
    fit_one_step_denoiser,
    generate,
    generated_law,
)

KEY = jax.random.key(5)
TIME, SCALE = 2.0, math.exp(-4.0)


def data(n, dim, draws=1, seed=0):
    generator = np.random.default_rng(seed)
    train = (10 + generator.normal(size=(n, dim))).astype(np.float32)
    return train, generator.normal(size=(draws, n, dim)).astype(np.float32)


def reference(train, noise, time=TIME, scale=SCALE):
    """B, b, and mean and covariance of the generated law, with an SVD of the centred pairs."""
    draws, n, dim = noise.shape
    x = train.astype(np.float64)
    mu, sigma = np.exp(-time), np.sqrt(scale * (1 - np.exp(-2 * time)))
    inputs = (mu * x + sigma * noise.astype(np.float64)).reshape(-1, dim)
    targets = np.tile(x, (draws, 1))
    left, values, right = np.linalg.svd(inputs - inputs.mean(0), full_matrices=False)
    rank = min(n * draws - 1, dim)
    slope = (targets - x.mean(0)).T @ left[:, :rank] / values[:rank] @ right[:rank]
    intercept = x.mean(0) - slope @ inputs.mean(0)
    variance = x.var(0, ddof=1).mean() if n > 1 else 0.0
    input_variance = mu**2 * variance + sigma**2
    mean = intercept + slope @ (mu * x.mean(0))
    return slope, intercept, input_variance, mean, input_variance * slope @ slope.T


def assert_fits(denoiser, train, noise, tolerance=1e-10, **settings):
    slope, intercept, input_variance, mean, covariance = reference(train, noise, **settings)
    np.testing.assert_allclose(denoiser.slope, slope, atol=tolerance * max(np.abs(slope).max(), 1))
    np.testing.assert_allclose(
        denoiser.intercept, intercept, atol=tolerance * max(np.abs(intercept).max(), 1)
    )
    np.testing.assert_allclose(denoiser.input_variance, input_variance, rtol=1e-12)
    law = generated_law(denoiser)
    np.testing.assert_allclose(law[0], mean, rtol=10 * tolerance)
    np.testing.assert_allclose(law[1], covariance, atol=tolerance * max(np.abs(covariance).max(), 1))


@pytest.mark.parametrize(
    ("n", "draws"), [(1, 1), (2, 1), (12, 1), (13, 1), (40, 1), (1, 3), (4, 3), (5, 3), (20, 3)]
)
def test_is_least_squares_of_minimum_norm(n, draws):
    train, noise = data(n, 12, draws)
    assert_fits(fit_one_step_denoiser(KEY, train, draws=draws, noise=noise), train, noise)


@pytest.mark.parametrize(("time", "scale"), [(0.1, 1.0), (0.5, 0.01), (4.0, 2.0)])
@pytest.mark.parametrize("n", [6, 30])
def test_any_time_and_noise_scale(time, scale, n):
    train, noise = data(n, 10)
    denoiser = fit_one_step_denoiser(KEY, train, time, scale, noise=noise)
    assert_fits(denoiser, train, noise, time=time, scale=scale)


@pytest.mark.parametrize("n", [100, 101])
def test_keeps_its_digits_at_the_threshold(n):
    """cond(Y) is of the order of d there: the law must be right to far better than 1e-6."""
    for seed in range(3):
        train, noise = data(n, 100, seed=seed)
        assert_fits(fit_one_step_denoiser(KEY, train, noise=noise), train, noise, tolerance=1e-8)


def test_one_sample_generates_itself():
    train, _ = data(1, 6)
    for draws in (1, 2, math.inf):
        mean, covariance = generated_law(fit_one_step_denoiser(KEY, train, draws=draws))
        if draws != 2:
            np.testing.assert_array_equal(covariance, np.zeros((6, 6)))
        np.testing.assert_allclose(mean, train[0], rtol=1e-12)


def test_interpolates_below_the_threshold():
    """With n ≤ d pairs the fit is exact on every one of them."""
    train, noise = data(8, 20)
    mu, sigma = math.exp(-TIME), math.sqrt(SCALE * -math.expm1(-2 * TIME))
    inputs = mu * train.astype(np.float64) + sigma * noise[0].astype(np.float64)
    denoiser = fit_one_step_denoiser(KEY, train, noise=noise)
    np.testing.assert_allclose(denoise(denoiser, inputs), train, rtol=1e-11)


@pytest.mark.parametrize("draws", [1, 2, 5, math.inf])
def test_rank_is_that_of_the_samples_for_any_draws(draws):
    train, _ = data(8, 20)
    covariance = np.asarray(generated_law(fit_one_step_denoiser(KEY, train, draws=draws))[1])
    assert np.linalg.matrix_rank(covariance, hermitian=True) == 7


@pytest.mark.parametrize("n", [1, 5, 30])
def test_all_noise_closed_form(n):
    train, _ = data(n, 8)
    denoiser = fit_one_step_denoiser(KEY, train, draws=math.inf)
    moment = np.cov(train.astype(np.float64).T, ddof=0) if n > 1 else np.zeros((8, 8))
    mu, variance = math.exp(-TIME), SCALE * -math.expm1(-2 * TIME)
    slope = mu * moment @ np.linalg.inv(mu**2 * moment + variance * np.eye(8))
    np.testing.assert_allclose(denoiser.slope, slope, rtol=1e-10, atol=1e-12)
    x_mean = train.astype(np.float64).mean(0)
    np.testing.assert_allclose(denoiser.intercept, x_mean - mu * slope @ x_mean, rtol=1e-10)


def test_many_draws_approach_all_noise():
    """The distance to the limit falls as 1/√draws, which holds only for S with 1/n."""
    train, _ = data(6, 3)
    limit = np.asarray(fit_one_step_denoiser(KEY, train, draws=math.inf).slope)
    scale = np.linalg.norm(limit)
    errors = []
    for draws in (100, 10_000):
        fits = [fit_one_step_denoiser(jax.random.key(i), train, draws=draws).slope for i in range(4)]
        errors.append(np.mean([np.linalg.norm(np.asarray(fit) - limit) for fit in fits]) / scale)
    assert errors[1] < 0.02
    assert 4 < errors[0] / errors[1] < 25


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize("n", [1, 4, 7, 12, 13])
def test_padding_changes_nothing(n, draws):
    dim = 12
    capacity = denoiser_capacity(n, dim, draws)
    train, noise = data(capacity, dim, draws)
    train[n:] = 1e6
    denoiser = fit_one_step_denoiser(KEY, train, draws=draws, noise=noise, count=n)
    assert_fits(denoiser, train[:n], noise[:, :n])


def test_padding_changes_nothing_with_all_noise():
    train, _ = data(16, 12)
    train[5:] = 1e6
    plain = generated_law(fit_one_step_denoiser(KEY, train[:5], draws=math.inf))
    padded = generated_law(fit_one_step_denoiser(KEY, train, draws=math.inf, count=5))
    for ours, theirs in zip(padded, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("dim", [1, 7, 16, 100])
@pytest.mark.parametrize("draws", [1, 2, 5, 200])
def test_capacities_do_not_reach_across_the_threshold(dim, draws):
    for n in range(1, 3 * dim + 2):
        capacity = denoiser_capacity(n, dim, draws)
        assert capacity >= n
        assert (capacity * draws <= dim) == (n * draws <= dim)


@pytest.mark.parametrize("n", [4, 20])
def test_noise_depends_on_the_key_and_the_number_of_the_draw_alone(n):
    """Same pairs for every capacity and number of draws: more of them extend what there was."""
    train, _ = data(n, 12)
    drawn = [jax.random.normal(stream(KEY, "noise", j), (100, 12), jnp.float32)[:n] for j in range(2)]
    for draws in (1, 2):
        denoiser = fit_one_step_denoiser(KEY, train, draws=draws)
        # Two programs may round the normals to different last bits.
        assert_fits(denoiser, train, np.stack(drawn[:draws]), tolerance=2e-6)


def test_a_count_on_the_wrong_side_is_nan_when_traced():
    train, _ = data(16, 12)
    fit = jax.jit(lambda count: fit_one_step_denoiser(KEY, train, count=count))
    assert np.isnan(fit(12).slope).all()
    assert np.isfinite(fit(13).slope).all()


def test_generated_samples_have_the_generated_law():
    train, noise = data(40, 3)
    denoiser = fit_one_step_denoiser(KEY, train, noise=noise)
    n = 40_000
    x = np.asarray(generate(denoiser, KEY, n), np.float64)
    mean, covariance = (np.asarray(moment) for moment in generated_law(denoiser))
    white = np.linalg.solve(np.linalg.cholesky(covariance), (x - mean).T)
    assert np.abs(white.mean(1)).max() < 4.5 / np.sqrt(n)
    assert np.abs(white @ white.T / n - np.eye(3)).max() < 4.5 * np.sqrt(2 / n)
    np.testing.assert_array_equal(generate(denoiser, KEY, 50)[:9], generate(denoiser, KEY, 9))


@pytest.mark.parametrize("capacity", [8, 32])
def test_vmap_over_everything_equals_loop(capacity):
    dim, keys = 8, jax.random.split(KEY, 3)
    times, scales = jnp.array([0.5, 1.0, 2.0]), jnp.array([1.0, 0.3, 0.1])
    counts = jnp.array([3, 5, 8]) if capacity == 8 else jnp.array([9, 20, 32])

    def one(key, time, scale, count):
        train = Gaussian.isotropic(dim, 10.0).sample(key, capacity)
        return generated_law(fit_one_step_denoiser(key, train, time, scale, count=count))

    batched = jax.jit(jax.vmap(one))(keys, times, scales, counts)
    for i in range(3):
        single = one(keys[i], float(times[i]), float(scales[i]), int(counts[i]))
        for got, expected in zip(batched, single, strict=True):
            np.testing.assert_allclose(got[i], expected, rtol=2e-4, atol=1e-3)


def test_global_settings_do_not_matter():
    train, _ = data(20, 6)
    outside = fit_one_step_denoiser(KEY, train)
    assert outside.slope.dtype == np.float64
    with jax.enable_x64(True):
        inside = fit_one_step_denoiser(KEY, train)
    for ours, theirs in zip(jax.tree.leaves(outside), jax.tree.leaves(inside), strict=True):
        np.testing.assert_array_equal(ours, theirs)


TRAIN, NOISE = data(6, 4)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"train": TRAIN[0]}, r"train must have shape \(any, any\), got \(4,\)"),
        ({"train": TRAIN * np.nan}, "train must be finite, got nan at index"),
        ({"time": 0.0}, "time must be a finite number above 0, got 0.0"),
        ({"noise_scale": -1.0}, "noise_scale must be a finite number above 0, got -1.0"),
        ({"draws": 0}, "draws must be a whole number of at least 1 or inf, got 0"),
        ({"draws": 1.5}, "draws must be a whole number of at least 1 or inf, got 1.5"),
        ({"draws": math.nan}, "draws must be a whole number of at least 1 or inf, got nan"),
        ({"noise": NOISE[:, :3]}, r"noise must have shape \(1, 6, 4\), got \(1, 3, 4\)"),
        ({"count": 0}, "count must be a whole number from 1 to 6, the rows given, got 0"),
        ({"count": 7}, "count must be a whole number from 1 to 6, the rows given, got 7"),
        ({"count": 4}, "count must be above d/draws = 4 where train has 6 rows, got 4"),
    ],
)
def test_bad_input_is_one_sentence(values, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        fit_one_step_denoiser(KEY, **{"train": TRAIN} | values)
