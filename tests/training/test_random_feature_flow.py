import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.special

from jaxmem.noising import SingleLevel
from jaxmem.scores import RandomFeatures
from jaxmem.training import (
    DenoisingScoreMatching,
    Training,
    advance,
    descent_readout,
    feature_moments,
    flow_readout,
    gradient_flow,
    quadratic_loss,
    start_training,
    with_readout,
)

DIM, FEATURES, SAMPLES = 3, 12, 8
MU, SIGMA = 0.95, 0.3
GENERATOR = np.random.default_rng(0)
DATA = GENERATOR.normal(size=(SAMPLES, DIM)).astype(np.float32)
NOISE = GENERATOR.normal(size=(5, SAMPLES, DIM)).astype(np.float32)
MODEL = RandomFeatures.draw(jax.random.key(0), DIM, FEATURES)
KEY = jax.random.key(1)


def reference_features(y):
    return np.tanh(y @ np.asarray(MODEL.directions.value, np.float64).T / np.sqrt(DIM))


def reference_moments(data, noise):
    y = MU * data.astype(np.float64) + SIGMA * noise.astype(np.float64)
    features = reference_features(y)
    flat, normal = features.reshape(-1, FEATURES), noise.reshape(-1, DIM)
    return flat.T @ flat / len(flat), normal.T @ flat / len(flat)


def test_moments_are_those_of_the_definition_with_padding_or_without():
    expected = reference_moments(DATA, NOISE)
    padded = np.concatenate([DATA, np.full((3, DIM), 1e6, np.float32)])
    wide = np.concatenate([NOISE, np.ones((5, 3, DIM), np.float32)], 1)
    ours = feature_moments(KEY, MODEL, DATA, MU, SIGMA, noise=NOISE)
    filled = feature_moments(KEY, MODEL, padded, MU, SIGMA, noise=wide, count=SAMPLES)
    for moments in (ours, filled):
        for array, target in zip(moments, expected, strict=True):
            np.testing.assert_allclose(array, target, rtol=1e-6, atol=1e-7)


def test_many_draws_approach_the_average_over_noise():
    """E ξ φᵀ against a product quadrature over the three coordinates of the noise."""
    nodes, weights = scipy.special.roots_hermitenorm(12)
    grid = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), -1).reshape(-1, 1, DIM)
    weight = np.einsum("i,j,k->ijk", weights, weights, weights).ravel() / (2 * np.pi) ** 1.5
    y = MU * DATA + SIGMA * grid
    features = reference_features(y)
    expected = np.einsum("q,qnp,qd->dp", weight, features, grid[:, 0]) / SAMPLES
    ours = feature_moments(KEY, MODEL, DATA, MU, SIGMA, draws=4000)
    # Each entry averages ξ φ with |φ| < 1: its standard error is under 1/√(n · draws).
    assert np.abs(np.asarray(ours.cross) - expected).max() < 4.5 / np.sqrt(SAMPLES * 4000)


@pytest.mark.parametrize("ridge", [0.0, 0.02])
def test_the_flow_solves_its_differential_equation(ridge):
    covariance, cross = reference_moments(DATA, NOISE)

    def slope(_, flat):
        readout = flat.reshape(DIM, FEATURES)
        gradient = 2 / DIM * (SIGMA**2 * readout @ covariance + SIGMA * cross) + 2 * ridge * readout
        return -gradient.ravel()

    end = scipy.integrate.solve_ivp(slope, (0, 50.0), np.zeros(DIM * FEATURES), rtol=1e-10, atol=1e-12).y[
        :, -1
    ]
    moments = feature_moments(KEY, MODEL, DATA, MU, SIGMA, noise=NOISE)
    ours = flow_readout(gradient_flow(moments, SIGMA, ridge), 50.0)
    np.testing.assert_allclose(np.asarray(ours).ravel(), end, rtol=1e-5, atol=1e-6)


def test_the_end_of_the_flow_is_least_squares():
    moments = feature_moments(KEY, MODEL, DATA, MU, SIGMA, noise=NOISE)
    readout = np.asarray(flow_readout(gradient_flow(moments, SIGMA), np.inf))
    y = MU * DATA.astype(np.float64) + SIGMA * NOISE
    features = reference_features(y).reshape(-1, FEATURES)
    solution = np.linalg.lstsq(SIGMA * features, -NOISE.reshape(-1, DIM).astype(np.float64), rcond=None)[0].T
    np.testing.assert_allclose(readout, solution, rtol=1e-4, atol=1e-4)
    residual = SIGMA * features @ solution.T + NOISE.reshape(-1, DIM)
    gain = ((residual**2).sum() - (NOISE**2).sum()) / NOISE.size
    np.testing.assert_allclose(quadratic_loss(readout, moments, SIGMA), 1 + gain, rtol=1e-5)


def test_the_trained_score_is_the_closed_form():
    """Gradient descent by the trainer against the eigendecomposition, and against the flow as η → 0."""
    moments = feature_moments(KEY, MODEL, DATA, MU, SIGMA, noise=NOISE)
    flow = gradient_flow(moments, SIGMA, 0.01)
    x = jnp.asarray(DATA[:4])
    run = eqx.filter_jit(advance)
    distance = []
    for rate, steps in ((0.4, 100), (0.1, 400)):
        objective = DenoisingScoreMatching(DATA, SingleLevel(MU, SIGMA, 2.0), None, noise=NOISE)
        problem = Training(objective, rate / DIM, ridge=0.01 * DIM)
        end = run(problem, start_training(problem, KEY, MODEL), jnp.int32(steps))
        exact = with_readout(MODEL, descent_readout(flow, steps, rate))
        np.testing.assert_allclose(end.model(x), exact(x), rtol=2e-4, atol=2e-5)
        distance.append(float(jnp.abs(end.model(x) - with_readout(MODEL, flow_readout(flow, 40.0))(x)).max()))
    assert distance[1] < 0.35 * distance[0]


def test_losses_fall_along_the_flow_and_start_at_one():
    moments = feature_moments(KEY, MODEL, DATA, MU, SIGMA, draws=20)
    flow = gradient_flow(moments, SIGMA)
    readouts = jax.vmap(lambda time: flow_readout(flow, time))(jnp.array([0.0, 1.0, 10.0, 100.0]))
    losses = [float(quadratic_loss(readout, moments, SIGMA)) for readout in readouts]
    assert losses[0] == 1
    assert np.all(np.diff(losses) < 0)
