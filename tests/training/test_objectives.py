"""Objectives against closed forms: what they are, and where their minimum is."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from typechecking import unchecked

from jaxmem.noising import (
    BetaChain,
    OrnsteinUhlenbeckLevels,
    SingleLevel,
    StraightPath,
    UniformNoise,
    ornstein_uhlenbeck,
)
from jaxmem.populations import GaussianField
from jaxmem.scores import DataPrediction, NoisePrediction, VelocityPrediction
from jaxmem.theory import blind_wiener
from jaxmem.training import (
    BlindDenoising,
    DenoisingScoreMatching,
    Regression,
    StepKeys,
    Training,
    advance,
    averaged_model,
    start_training,
)

KEY = jax.random.key(0)
DATA = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32) * [2.0, 1.0, 0.5]
SCHEDULES = {
    "ornstein-uhlenbeck": OrnsteinUhlenbeckLevels(np.linspace(0.05, 2, 40)),
    "chain": BetaChain(200),
    "straight": StraightPath(),
    "uniform": UniformNoise(0.1, 2.0),
}


class Network(eqx.Module):
    """Some function of (t, x)."""

    def __call__(self, time, x):
        return jnp.sin(3 * time + x) + 0.3 * x[::-1]


@pytest.mark.parametrize(
    ("model", "schedule"),
    [
        (NoisePrediction, OrnsteinUhlenbeckLevels([0.1, 0.4, 2.0], weight_exponent=2.0)),
        (NoisePrediction, BetaChain(200)),
        (DataPrediction, UniformNoise(0.1, 2.0)),
        (VelocityPrediction, StraightPath()),
    ],
)
def test_the_weight_of_a_schedule_leaves_the_plain_loss_of_its_prediction(model, schedule):
    objective, keys = DenoisingScoreMatching(DATA, schedule, 500), StepKeys(KEY, jnp.int32(3))
    batch = objective.minibatch(keys)
    x, y, normal, times = (
        np.asarray(a, np.float64) for a in (batch.x, batch.y, batch.normal, batch.levels.times)
    )
    mu, sigma = (np.asarray(a, np.float64)[:, None] for a in (batch.levels.mu, batch.levels.sigma))
    np.testing.assert_allclose(y, mu * x + sigma * normal, rtol=1e-5, atol=1e-6)
    target = {NoisePrediction: normal, DataPrediction: x, VelocityPrediction: normal - x}[model]
    output = np.sin(3 * times[:, None] + y) + 0.3 * y[:, ::-1]
    expected = ((output - target) ** 2).sum(1).mean()
    np.testing.assert_allclose(objective(model(Network(), schedule), keys), expected, rtol=2e-4)


def mean_slopes(objective, model, trained, steps=24):
    """Gradient with respect to `trained` in units of its standard error, over the minibatches of `steps`."""

    def slope(step):
        return jax.grad(lambda p: objective(lambda *at: model(p, *at), StepKeys(KEY, step)))(trained)

    found = np.asarray(jax.jit(lambda: jax.lax.map(slope, jnp.arange(steps)))(), np.float64)
    return found.mean(0) / (found.std(0, ddof=1) / steps**0.5)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_best_linear_score_is_that_of_the_second_moments(name):
    """Stationary at −(μ² XᵀX/n + σ²)^-1 y at every time, in directions that vary in time, and only there."""
    schedule = SCHEDULES[name]
    values, vectors = np.linalg.eigh(np.asarray(DATA, np.float64).T @ DATA / len(DATA))
    values, vectors = (jnp.asarray(a, jnp.float32) for a in (values, vectors))

    mixing = jnp.array([0.4, -1.0, 0.7])

    def score(shift, time, y, scale=1.0):
        mu, sigma = schedule(time)
        by_mode = scale / (mu**2 * values + sigma**2) + shift[0] + shift[1] * jnp.sin(3 * time)
        return -(vectors @ (by_mode * (vectors.T @ y)) + jnp.outer(shift[2], mixing) @ y)

    objective = DenoisingScoreMatching(DATA, schedule, 20_000)
    slopes = mean_slopes(objective, score, jnp.zeros((3, 3)))
    assert np.abs(slopes).max() < 5.5  # Student with 23 degrees of freedom: 1e-5 each
    elsewhere = mean_slopes(objective, lambda *at: score(*at, scale=1.1), jnp.zeros((3, 3)))
    assert np.abs(elsewhere).max() > 12


def test_the_best_blind_denoiser_is_the_posterior_mean():
    """Of σ uniform and the sample uniform, by quadrature: stationary there, in cosine directions."""
    data = np.array([[-1.0], [0.2], [0.9]], np.float32)
    noises = jnp.linspace(0.1, 2.0, 401)

    def denoiser(shift, y, scale=1.0):
        logs = -jnp.log(noises)[:, None] - (y - data[:, 0]) ** 2 / 2 / noises[:, None] ** 2
        logs = logs.at[jnp.array([0, -1])].add(jnp.log(0.5))
        mean = (jax.nn.softmax(logs.ravel()).reshape(logs.shape) * data[:, 0]).sum()
        return scale * mean[None] + (shift * jnp.cos(jnp.arange(4.0) * y + 0.5)).sum(keepdims=True)

    objective = BlindDenoising(data, 5_000, UniformNoise(0.1, 2.0))
    assert np.abs(mean_slopes(objective, denoiser, jnp.zeros(4))).max() < 5.5
    elsewhere = mean_slopes(objective, lambda *at: denoiser(*at, scale=1.2), jnp.zeros(4))
    assert np.abs(elsewhere).max() > 12


def test_a_linear_denoiser_trained_on_a_field_reaches_the_wiener_filter():
    rows = np.asarray(GaussianField.power_law(3, 3, 2.0).sample(KEY, 200))
    objective = DenoisingScoreMatching(rows, SingleLevel(0.8, 0.6, 2.0), 500)
    problem = Training(objective, 0.1, average_decay=0.99)
    model = eqx.nn.Linear(9, 9, use_bias=False, key=KEY)
    state = eqx.filter_jit(advance)(problem, start_training(problem, KEY, model), jnp.int32(1_500))
    moments = rows.astype(np.float64).T @ rows / len(rows)
    exact = -np.linalg.inv(0.64 * moments + 0.36 * np.eye(9))
    gap = np.linalg.norm(averaged_model(state).weight - exact) / np.linalg.norm(exact)
    assert gap < 0.03
    assert gap < np.linalg.norm(state.model.weight - exact) / np.linalg.norm(exact)


def test_a_blind_network_reaches_the_mixture_of_wiener_filters():
    rows = np.random.default_rng(1).normal(size=(20_000, 1))
    objective = BlindDenoising(rows, 512, UniformNoise(0.0, 2.0))
    problem = Training(objective, 0.01, lambda rate: optax.adam(optax.cosine_decay_schedule(rate, 800)))
    model = eqx.nn.MLP(1, 1, 32, 1, activation=jnp.tanh, key=KEY)
    trained = eqx.filter_jit(advance)(problem, start_training(problem, KEY, model), jnp.int32(800)).model
    y = np.linspace(-3, 3, 25)[:, None]
    noises = (np.arange(1000) + 0.5) / 500
    exact = blind_wiener(y, rows.var(keepdims=True)[0], noises)
    assert np.abs(jax.vmap(trained)(jnp.asarray(y, jnp.float32)) - exact).max() < 0.06
    assert np.abs(exact - y / 2).max() > 0.3  # no one filter does it


def test_blind_points_are_those_of_score_matching():
    keys = StepKeys(KEY, jnp.int32(0))
    blind = BlindDenoising(DATA, 4, UniformNoise(0.1, 2.0)).minibatch(keys)
    told = DenoisingScoreMatching(DATA, UniformNoise(0.1, 2.0), 4).minibatch(keys)
    np.testing.assert_array_equal(blind.y, told.y)


def test_gradient_descent_on_a_regression_is_that_of_least_squares():
    """Full batch in float64, padded, against NumPy's iteration; a minibatch is right on average."""
    rng = np.random.default_rng(2)
    x, y, start = rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), rng.normal(size=(2, 3))
    with jax.enable_x64(True):
        padded = [np.concatenate([a, np.full((3, a.shape[1]), np.nan)]) for a in (x, y)]
        model = eqx.tree_at(
            lambda m: m.weight, eqx.nn.Linear(3, 2, use_bias=False, key=KEY), jnp.asarray(start)
        )
        problem = Training(Regression(*padded, count=6), 0.05)
        state = eqx.filter_jit(advance)(problem, start_training(problem, KEY, model), jnp.int32(20))
        weights = start
        for _ in range(20):
            loss = ((x @ weights.T - y) ** 2).sum(1).mean()
            weights = weights - np.float32(0.05) * 2 * (x @ weights.T - y).T @ x / 6
        assert state.model.weight.dtype == np.float64
        np.testing.assert_allclose(state.model.weight, weights, rtol=1e-12)
        np.testing.assert_allclose(state.loss, loss, rtol=1e-6)
    few = jax.jit(jax.vmap(lambda step: Regression(x, y, 4)(lambda x: x[:2], StepKeys(KEY, step))))
    losses = np.asarray(few(jnp.arange(4_000)))
    whole = ((x[:, :2] - y) ** 2).sum(1).mean()
    assert abs(losses.mean() - whole) < 4.5 * losses.std() / 4_000**0.5


def test_an_objective_of_ones_own():
    """A function (model, keys) → loss, with keys of every step."""

    def objective(model, keys):
        return (model - jax.random.normal(keys.of("mine"), ())) ** 2

    problem = Training(objective, 0.25)
    state = eqx.filter_jit(advance)(problem, start_training(problem, KEY, jnp.zeros(())), jnp.int32(2))
    draws = [float(jax.random.normal(StepKeys(KEY, jnp.int32(step)).of("mine"), ())) for step in (0, 1)]
    np.testing.assert_allclose(state.model, 0.25 * draws[0] + 0.5 * draws[1], rtol=1e-5)
    assert draws[0] != draws[1]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"objective must be a function \(model, keys\) to loss, got 3"):
        Training(3, 0.1)
    with pytest.raises(ValueError, match="objective must return one real number"):
        start_training(Training(lambda model, keys: model, 0.1), KEY, jnp.zeros(2))
    with pytest.raises(ValueError, match=r"targets must have shape \(7, any\), got \(2, 3\)"):
        Regression(DATA, DATA[:2])
    with pytest.raises(ValueError, match="inputs must be finite, got nan"):
        Regression(DATA * np.nan, DATA)
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, got 0"):
        BlindDenoising(DATA, 0)
    problem = Training(Regression(DATA, DATA[:, :2]), 0.1)
    with (
        unchecked(),
        pytest.raises(ValueError, match=r"model must map a point \(3,\) to \(2,\) real"),
    ):
        start_training(problem, KEY, eqx.nn.Linear(3, 3, key=KEY))


def test_a_schedule_in_a_prediction_is_the_process_by_default():
    x = jnp.ones(3)
    sigma = ornstein_uhlenbeck(0.3).sigma
    np.testing.assert_allclose(
        NoisePrediction(Network())(jnp.float32(0.3), x), -Network()(0.3, x) / sigma, rtol=1e-5
    )
