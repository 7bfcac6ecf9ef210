"""What cannot be trained as a score is refused at the start, before anything is compiled."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from typechecking import unchecked

from jaxmem.noising import SingleLevel
from jaxmem.training import DenoisingScoreMatching, Training, start_training

KEY = jax.random.key(0)


class Model(eqx.Module):
    weights: jax.Array
    part: eqx.Module | None = None
    reduce: bool = eqx.field(static=True, default=False)

    def __call__(self, y):
        out = jnp.real(self.weights @ y)
        return out.sum(keepdims=True) if self.reduce else out


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (Model(jnp.eye(3, dtype=jnp.complex64)), "model must have real weights, got an array of complex64"),
        (Model(jnp.eye(3), reduce=True), r"to \(3,\) real numbers, got \(1,\) of float32"),
        (Model(jnp.ones(3)), r"got \(\) of float32"),
        (Model(jnp.eye(3, dtype=jnp.int32)), None),
        (Model(jnp.eye(3), eqx.nn.Dropout(0.1)), r"got Dropout\(0.1\): make it inference=True"),
        (Model(jnp.eye(3), eqx.nn.Dropout(0.1, inference=True)), None),
        (Model(jnp.eye(3), eqx.nn.BatchNorm(3, "batch", mode="ema")), "got BatchNorm, which keeps a state"),
        (Model(jnp.eye(3)), None),
    ],
)
def test_models(model, sentence):
    problem = Training(DenoisingScoreMatching(jnp.eye(3), SingleLevel(0.8, 0.6), 4), 0.1)
    if sentence is None:
        assert int(start_training(problem, KEY, model).step) == 0
        return
    with unchecked(), pytest.raises(ValueError, match=sentence):
        start_training(problem, KEY, model)
