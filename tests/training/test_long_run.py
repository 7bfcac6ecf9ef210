import tracemalloc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray as xr

from jaxmem.noising import OrnsteinUhlenbeckLevels
from jaxmem.scores import TwoLayerReLU
from jaxmem.training import (
    DenoisingScoreMatching,
    Training,
    load_state,
    long_run,
    save_state,
    start_training,
    train,
)

STEPS = (0, 3, 10, 30)


def batch(rate=0.05):
    def make(key, rate):
        data = jax.random.normal(key, (5, 2))
        objective = DenoisingScoreMatching(data, OrnsteinUhlenbeckLevels([0.1, 0.5]), 8)
        problem = Training(objective, rate, optax.adam, average_decay=0.9)
        return problem, start_training(problem, key, TwoLayerReLU.draw(key, 2, 16, time_input=True))

    return eqx.filter_vmap(make)(jax.random.split(jax.random.key(0), 3), rate * jnp.arange(1.0, 4.0))


def observe(state):
    return {"outer": state.model.outer, "loss": state.loss}


def same_bits(ours, theirs):
    def numbers(leaf):
        key = eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return jax.random.key_data(leaf) if key else leaf

    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(numbers(a), numbers(b))


@pytest.mark.parametrize("survived", [1, 4])
def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path, monkeypatch, survived):
    problem, state = batch()
    whole = train(problem, state, STEPS, observe=observe, steps_per_call=8, progress=False)
    saves = []

    def save_and_stop(*arguments):
        save_tree(*arguments)
        saves.append(arguments)
        if len(saves) == survived:
            raise KeyboardInterrupt

    save_tree = long_run.save_tree
    path = tmp_path / "run"
    monkeypatch.setattr(long_run, "save_tree", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train(problem, state, STEPS, observe=observe, steps_per_call=8, progress=False, store=path)
    monkeypatch.setattr(long_run, "save_tree", save_tree)
    resumed = train(problem, state, STEPS, observe=observe, steps_per_call=8, progress=False, store=path)
    same_bits(resumed, whole)
    again = train(problem, state, STEPS, observe=observe, steps_per_call=8, progress=False, store=path)
    same_bits(again, whole)
    assert sorted(file.name for file in path.iterdir()) == ["observations", "state.eqx"]


def test_the_division_into_calls_changes_no_bit(capsys):
    problem, state = batch()
    ours = train(problem, state, STEPS, observe=observe, steps_per_call=4)
    assert "30.0/30.0" in capsys.readouterr().err
    same_bits(ours, train(problem, state, STEPS, observe=observe, progress=False))
    assert state.step[0] == 0  # the caller's state is not consumed
    assert ours.observations["outer"].shape == (3, 4, 16, 2)


def test_a_store_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run"
    train(*batch(), STEPS, observe=observe, progress=False, store=path)
    for other, steps in ((batch(0.06), STEPS), (batch(), (0, 3))):
        with pytest.raises(ValueError, match=r"state.eqx must be of the same run"):
            train(*other, steps, observe=observe, progress=False, store=path)


class TwoLayer(eqx.Module):
    """The same arrays make another function with another activation."""

    weights: jax.Array
    activation: Callable = eqx.field(static=True)

    def __call__(self, t, y):
        return self.weights.T @ self.activation(self.weights @ y + t)


def tanh_again(x):
    return jnp.tanh(x)


def clipped(rate):
    return optax.chain(optax.clip(1e-3), optax.adam(rate))


def test_the_programs_of_step_and_look_belong_to_the_run():
    """Whatever they are called: a function written again is the same one."""

    def started(activation=jnp.tanh, optimiser=optax.adam, batch_size=8):
        schedule = OrnsteinUhlenbeckLevels([0.1, 0.5])

        def make(key):
            problem = Training(DenoisingScoreMatching(jnp.eye(2), schedule, batch_size), 0.1, optimiser)
            return problem, start_training(problem, key, TwoLayer(jnp.ones((4, 2)), activation))

        return eqx.filter_vmap(make)(jax.random.split(jax.random.key(0), 2))

    def fingerprint(look=lambda state: state.loss, **settings):
        return long_run._fingerprint(*started(**settings), STEPS, look)

    same = fingerprint()
    assert fingerprint(look=lambda state: state.loss, activation=tanh_again) == same
    others = [
        fingerprint(activation=jax.nn.relu),
        fingerprint(optimiser=clipped),
        fingerprint(batch_size=9),
        fingerprint(look=lambda state: -state.loss),
    ]
    assert len({same, *others}) == 5


def test_the_observations_are_read_from_the_store_with_xarray(tmp_path):
    path = tmp_path / "run"
    whole = train(*batch(), STEPS, observe=observe, progress=False)
    stored = train(*batch(), STEPS, observe=observe, progress=False, store=path)
    dataset = xr.open_zarr(path / "observations", consolidated=False)
    assert dataset["outer"].dims[:2] == ("replicate", "snapshot")
    np.testing.assert_array_equal(dataset["step"], STEPS)
    np.testing.assert_array_equal(dataset["outer"], whole.observations["outer"])
    assert stored.observations["outer"].chunks == (3, 1, 16, 2)


def test_memory_does_not_grow_with_the_snapshots(tmp_path):
    """Snapshots of 8 MB: with a store they are on disk, one at a time."""

    def run(snapshots):
        def large(state):
            return {"copies": jnp.broadcast_to(state.loss, (2**21 // 3,))}

        tracemalloc.start()
        train(*batch(), range(snapshots), observe=large, progress=False, store=tmp_path / str(snapshots))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    run(2)  # compiles
    assert run(40) < run(4) + 2**23


def test_one_compilation_serves_all_snapshots():
    problem, state = batch()
    train(problem, state, (5,), observe=observe, progress=False)
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiled.append(event) if "backend_compile" in event else None
    )
    train(problem, state, (2, 9, 11, 30), observe=observe, progress=False)
    jax.monitoring.clear_event_listeners()
    assert len(compiled) <= 1  # of small host-side programs; none of the loop


def test_a_state_is_saved_and_loaded(tmp_path):
    _, state = batch()
    save_state(tmp_path / "state.eqx", state)
    same_bits(load_state(tmp_path / "state.eqx", state), state)
    with pytest.raises(ValueError, match=r"state.eqx must be of the same run"):
        load_state(tmp_path / "state.eqx", eqx.tree_at(lambda s: s.loss, state, jnp.zeros(7)))
