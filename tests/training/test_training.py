import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.integrate

from jaxmem.noising import OrnsteinUhlenbeckLevels, SingleLevel
from jaxmem.scores import NoisePrediction, ResidualMLP, TwoLayerReLU, partition_trainable
from jaxmem.training import (
    DenoisingScoreMatching,
    StepKeys,
    Training,
    advance,
    advance_batch,
    averaged_model,
    log_spaced_steps,
    start_training,
    train_trajectory,
)
from jaxmem.training.minibatches import uniform_index

WIDTH = 20
DATA = np.random.default_rng(0).normal(size=(6, 1)).astype(np.float32)


def replicate(key, learning_rate=0.1, *, ridge=0.0, optimiser=optax.sgd, average_decay=None, **settings):
    settings = {"batch_size": 10, "schedule": SingleLevel(0.9, 0.4), "data": DATA} | settings
    objective = DenoisingScoreMatching(**settings)
    problem = Training(objective, WIDTH * learning_rate, optimiser, ridge, average_decay)
    return problem, start_training(problem, key, TwoLayerReLU.draw(jax.random.fold_in(key, 1), 1, WIDTH))


def weights(state):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(partition_trainable(state.model)[0])])


compiled_advance = eqx.filter_jit(advance)


def run(problem, state, steps):
    return compiled_advance(problem, state, jnp.int32(steps))


def member(batch, index):
    return jax.tree.map(lambda leaf: leaf[index] if eqx.is_array(leaf) else leaf, batch)


def test_a_step_is_stochastic_gradient_descent_on_the_drawn_minibatch():
    problem, state = replicate(jax.random.key(0), ridge=0.01)
    batch = problem.objective.minibatch(StepKeys(state.key, jnp.int32(0)))
    y, normal = (np.asarray(a, np.float64)[:, 0] for a in (batch.y, batch.normal))
    noised = (y - 0.4 * normal) / 0.9
    assert np.abs(noised[:, None] - DATA[:, 0]).min(1).max() < 1e-6  # every point is a sample, noised
    inner, bias, outer = (
        np.asarray(a, np.float64).ravel() for a in (state.model.inner, state.model.bias, state.model.outer)
    )
    hidden = np.maximum(y[:, None] * inner + bias, 0)
    residual = hidden @ outer / WIDTH + normal / 0.4
    pull = 2 * residual[:, None] / len(y) / WIDTH
    active = (hidden > 0) * outer
    slopes = [(pull * active * y[:, None]).sum(0), (pull * active).sum(0), (pull * hidden).sum(0)]
    step = WIDTH * 0.1
    expected = [w - step * (s + 0.02 * w) for w, s in zip((inner, bias, outer), slopes, strict=True)]
    after = run(problem, state, 1)
    np.testing.assert_allclose(weights(after), np.concatenate(expected), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after.loss, (residual**2).mean(), rtol=1e-5)
    assert after.step == 1
    assert after.diverged_at == -1


def test_a_small_step_follows_the_gradient_flow():
    """η → 0 at fixed η · steps, full batch on quadrature noise, against SciPy's solution of the flow."""
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(16)
    keep = node_weights > 1e-9
    nodes, node_weights = nodes[keep], node_weights[keep] / node_weights[keep].sum()
    problem, state = replicate(jax.random.key(1))
    inner, bias, outer = (
        np.asarray(a, np.float64).ravel() for a in (state.model.inner, state.model.bias, state.model.outer)
    )
    y = (0.9 * DATA[:, :1].astype(np.float64) + 0.4 * nodes).ravel()
    target, weight = np.tile(nodes, len(DATA)) / 0.4, np.tile(node_weights, len(DATA)) / len(DATA)

    def flow(_, flat):
        inner, bias, outer = flat.reshape(3, -1)
        hidden = np.maximum(y[:, None] * inner + bias, 0)
        pull = 2 * (weight * (hidden @ outer / WIDTH + target))[:, None]
        active = (hidden > 0) * outer
        return -np.concatenate(
            [(pull * active * y[:, None]).sum(0), (pull * active).sum(0), (pull * hidden).sum(0)]
        )

    start = np.concatenate([inner, bias, outer])
    end = scipy.integrate.solve_ivp(flow, (0, 1.0), start, rtol=1e-8, atol=1e-10).y[:, -1]
    # Node q enters in proportion to its weight by repeating it: full batch over `draws` copies.
    copies = np.rint(node_weights * 4000).astype(int)
    fixed = np.repeat(nodes, copies)
    noise = np.broadcast_to(fixed[:, None, None], (len(fixed), len(DATA), 1))
    errors = []
    for steps in (50, 200):
        problem, state = replicate(jax.random.key(1), 1.0 / steps, noise=noise, batch_size=None)
        errors.append(np.abs(weights(run(problem, state, steps)) - end).max())
    assert np.abs(end - start).max() > 0.5
    assert errors[1] < 0.02
    assert errors[1] < 0.4 * errors[0]


def test_a_batch_gives_what_single_runs_give():
    keys = jax.random.split(jax.random.key(2), 5)
    rates, counts = jnp.linspace(0.02, 0.3, 5), jnp.array([6, 3, 5, 1, 4])

    def make(key, rate, count):
        return replicate(key, rate, count=count, ridge=rate / 50, schedule=SingleLevel(1 - rate, rate))

    problems, states = eqx.filter_vmap(make)(keys, rates, counts)
    batch = eqx.filter_jit(advance_batch)(problems, states, 40)
    chunked = eqx.filter_jit(lambda p, s: advance_batch(p, s, 40, width=2))(problems, states)
    for index in range(5):
        single = weights(run(*make(keys[index], rates[index], counts[index]), 40))
        for several in (batch, chunked):
            np.testing.assert_allclose(weights(member(several, index)), single, rtol=2e-4, atol=1e-5)


def test_padding_changes_nothing():
    padded = np.concatenate([DATA, np.full((5, 1), np.nan, np.float32)])
    noise = np.random.default_rng(1).normal(size=(3, 11, 1)).astype(np.float32)
    for settings in ({}, {"batch_size": None, "noise": noise}, {"noise": noise}):
        cut = {name: value[:, :6] if name == "noise" else value for name, value in settings.items()}
        expected = weights(run(*replicate(jax.random.key(3), **cut), 20))
        ours = weights(run(*replicate(jax.random.key(3), data=padded, count=6, **settings), 20))
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_divergence_is_recorded_and_stays_with_its_replicate():
    keys = jax.random.split(jax.random.key(4), 3)
    problems, states = eqx.filter_vmap(replicate)(keys, jnp.array([0.05, 1e6, 0.05]))
    end = eqx.filter_jit(advance_batch)(problems, states, 60)
    assert list(np.asarray(end.diverged_at) >= 0) == [False, True, False]
    assert 1 <= end.diverged_at[1] < 60
    calm = run(*replicate(keys[2], 0.05), 60)
    np.testing.assert_allclose(weights(member(end, 2)), weights(calm), rtol=1e-4, atol=1e-5)


def test_snapshots_are_the_states_on_the_way():
    steps = (0, 1, 4, 9)
    problem, state = replicate(jax.random.key(5))
    trajectory = eqx.filter_jit(lambda p, s: train_trajectory(p, s, steps))(problem, state)
    assert trajectory.state.step == 9
    for index, step in enumerate(steps):
        there = run(problem, state, step)
        np.testing.assert_allclose(
            trajectory.observations.outer[index], there.model.outer, rtol=1e-5, atol=1e-7
        )
    with pytest.raises(ValueError, match=r"steps must be strictly increasing"):
        train_trajectory(problem, state, (3, 3))


def test_adam_and_the_moving_average():
    problem, state = replicate(jax.random.key(6), 1e-3, optimiser=optax.adam, average_decay=0.7)
    states = [run(problem, state, steps) for steps in range(4)]
    moment, square, average = 0.0, 0.0, weights(states[0])
    for step in range(1, 4):
        before = states[step - 1]
        batch = problem.objective.minibatch(StepKeys(before.key, before.step))
        trained, rest = partition_trainable(before.model)

        def loss(trained, rest=rest, batch=batch):
            scores = jax.vmap(eqx.combine(trained, rest))(batch.y)
            return ((scores + batch.normal / 0.4) ** 2).mean()

        slope = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(jax.grad(loss)(trained))])
        moment, square = 0.9 * moment + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        move = (moment / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        np.testing.assert_allclose(weights(states[step]), weights(before) - WIDTH * 1e-3 * move, atol=2e-4)
        average = 0.7 * average + 0.3 * weights(states[step])
    ours = eqx.tree_at(lambda s: s.model, states[3], averaged_model(states[3]))
    np.testing.assert_allclose(weights(ours), average, rtol=1e-5, atol=1e-6)


def test_under_64_bit_types_the_draws_are_the_same():
    problem, state = replicate(jax.random.key(7), 1e-4, optimiser=optax.adam)
    narrow = run(problem, state, 5)
    with jax.enable_x64(True):
        wide = run(*replicate(jax.random.key(7), 1e-4, optimiser=optax.adam), 5)
    assert wide.model.outer.dtype == jnp.float32
    np.testing.assert_allclose(weights(wide), weights(narrow), rtol=1e-4, atol=1e-6)


def test_times_are_drawn_in_proportion_to_sigma_and_noise_prediction_learns():
    schedule = OrnsteinUhlenbeckLevels(np.linspace(0.01, 1, 100), weight_exponent=2.0)
    drawn = schedule.draw(jax.random.key(8), 200_000)
    sigma = np.sqrt(1 - np.exp(-2 * np.linspace(0.01, 1, 100)))
    counts = np.bincount(np.rint((np.asarray(drawn.times) - 0.01) * 100).astype(int), minlength=100)
    expected = 200_000 * sigma / sigma.sum()
    assert np.abs((counts - expected) / np.sqrt(expected)).max() < 4.5
    np.testing.assert_allclose(drawn.sigma**2 + drawn.mu**2, 1, rtol=1e-5)

    data = np.array([[1.0, 0.0], [-1.0, 0.5]], np.float32)
    problem = Training(DenoisingScoreMatching(data, schedule, 128), 3e-3, optax.adam)
    model = NoisePrediction(ResidualMLP.draw(jax.random.key(9), 2, width=32, depth=2))
    state = start_training(problem, jax.random.key(10), model)
    trajectory = eqx.filter_jit(lambda p, s: train_trajectory(p, s, (1, 600), lambda s: s.loss))(
        problem, state
    )
    assert abs(trajectory.observations[0] - 2) < 1  # the zero function predicts no noise: E ‖ξ‖² = 2
    assert trajectory.observations[1] < 0.6


def test_a_module_of_the_user_trains():
    problem = Training(DenoisingScoreMatching(DATA, SingleLevel(0.9, 0.4), 64), 0.02)
    model = eqx.nn.MLP(1, 1, 16, 1, key=jax.random.key(11))
    end = run(problem, start_training(problem, jax.random.key(12), model), 200)
    assert end.loss < 6.25  # E ξ²/σ², the loss of the zero function


@pytest.mark.parametrize("count", [1, 7, 100_000, 3_000_000_000 // 2])
def test_the_uniform_index_is_the_high_word_of_a_product(count):
    key = jax.random.key(13)
    bits = np.asarray(jax.random.bits(key, (1000,), jnp.uint32)).astype(object)
    expected = [int(bit) * count >> 32 for bit in bits]
    np.testing.assert_array_equal(uniform_index(key, 1000, jnp.int32(count)), expected)


def test_log_spaced_steps():
    assert log_spaced_steps(1000, 4) == (1, 10, 100, 1000)
    assert log_spaced_steps(5, 50) == (1, 2, 3, 4, 5)
    assert log_spaced_steps(7, 1) == (7,)


def test_bad_input_is_refused():
    level = SingleLevel(0.9, 0.4)
    with pytest.raises(ValueError, match=r"learning_rate must be a finite number at least 0, got"):
        Training(DenoisingScoreMatching(DATA, level, 10), -1.0)
    with pytest.raises(ValueError, match=r"batch_size must be a whole number of at least 1, got 0"):
        DenoisingScoreMatching(DATA, level, 0)
    with pytest.raises(ValueError, match="count must be a whole number from 1 to 6, the rows given, got 7"):
        DenoisingScoreMatching(DATA, level, 10, count=7)
    with pytest.raises(ValueError, match=r"data must be finite, got nan at index \(0, 0\)"):
        DenoisingScoreMatching(DATA * np.nan, level, 10)
    with pytest.raises(ValueError, match=r"average_decay must be a number for an averaged model"):
        averaged_model(replicate(jax.random.key(0))[1])
