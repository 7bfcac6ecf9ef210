"""A model that copies at a known rate, one that does not, and noise up to which a copy can be told."""

import json

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import kstest

import jaxmem
from jaxmem.measuring import distances as module
from jaxmem.measuring.distances import distance_gaps

RANDOM = np.random.default_rng(7)
QUICK = {"permutations": 99, "resamples": 50, "projections": 16}


@pytest.fixture(scope="module")
def mixture():
    """15 % exact copies among fresh samples, and what was measured of them."""
    train, held_out = RANDOM.normal(size=(200, 12)), RANDOM.normal(size=(250, 12))
    generated = RANDOM.normal(size=(300, 12))
    generated[:45] = train[100:145]
    return train, held_out, generated, jaxmem.measure(generated, train, held_out, **QUICK)


def test_a_known_rate_of_copies_is_recovered(mixture):
    found = mixture[3]
    share = found.memorised
    assert share.low < 0.15 < share.high
    assert share.held_out == 0
    assert share.excess_low < 0.15 < share.excess_high
    assert share.p_value < 1e-9
    assert found.memorised_upper > 0.15
    assert found.authentic.excess < -0.05
    assert found.data_copying.z < -3
    assert found.distances["feature_likelihood"].delta < 0
    assert "memorised_fraction" in found.copying_seen_by
    assert found.memorisation.value > found.memorisation_held_out.value + 5 * found.memorisation.error
    pairs = {(pair.generated, pair.train) for pair in found.nearest_pairs}
    assert pairs == {(i, 100 + i) for i in range(10)}


def test_what_is_counted_is_what_is_there(mixture):
    train, _, generated, found = mixture
    to_train = np.sort(cdist(generated, train), axis=1)
    assert found.memorised.value == (to_train[:, 0] < to_train[:, 1] / 3).mean()
    cosines = np.abs((generated - train.mean(0)) @ (train - train.mean(0)).T)
    sizes = np.outer(*(np.linalg.norm(x - train.mean(0), axis=1) for x in (generated, train)))
    assert found.memorisation.value == pytest.approx((cosines / sizes).max(1).mean(), abs=1e-5)
    assert (found.generated_count, found.train_count, found.held_out_count) == (300, 200, 250)
    assert found.compared == 200
    assert sum(cell.generated for cell in found.data_copying.cells) == 300


def test_every_test_sees_a_model_of_nothing_but_copies(mixture):
    train, held_out, _, _ = mixture
    found = jaxmem.measure(train, train, held_out, **QUICK)
    assert (found.memorised.value, found.authentic.value) == (1, 0)
    assert max(found.p_values.values()) <= 0.01
    assert all(gap.high < 0 for gap in found.distances.values())
    assert set(found.copying_seen_by) == set(found.p_values)


def test_json_has_flat_names_and_no_nan(mixture):
    found = json.loads(mixture[3].as_json())
    assert found["memorised_fraction"] == pytest.approx(0.15)
    assert {"authenticity", "authenticity_p_value", "data_copying", "data_copying_cells"} <= set(found)
    for gap in found["distances"].values():
        assert {"delta", "p_value", "low", "high"} == set(gap)
    alone = jaxmem.measure(mixture[2], mixture[0]).as_dict()
    assert alone["memorised_fraction"] == pytest.approx(0.15)
    assert alone["memorised_fraction_p_value"] is None
    assert alone["distances"] == {}


def test_p_values_of_a_perfect_model_are_uniform():
    """Also of one that is no more like the population than this: its law is another."""
    found = {name: [] for name in module.DISTANCES}
    how = {"permutations": 49, "resamples": 2, "projections": 4, "confidence": 0.95}
    for seed in range(120):
        train, held_out = RANDOM.exponential(size=(2, 12, 3))
        generated = RANDOM.exponential(size=(12, 3)) * (1 + seed % 2)
        for name, gap in distance_gaps(train, held_out, generated, seed=seed, **how).items():
            found[name].append(gap.p_value - RANDOM.uniform() / 50)  # continuous
    for name, p_values in found.items():
        assert kstest(p_values, "uniform").pvalue > 1e-3, name


def test_intervals_cover_the_gap_of_laws():
    """Of the energy distances of N(0, 1) and N(1, 1) to N(0, 1), from E|z| at means 0 and 1."""
    spread, found = np.sqrt(2), 0
    mean_distance = [2 * spread / np.sqrt(2 * np.pi), 0.0]
    mean_distance[1] = spread * np.sqrt(2 / np.pi) * np.exp(-1 / 4) + (1 - 2 * 0.2397500610934768)
    delta = -2 * (mean_distance[1] - mean_distance[0])
    how = {"permutations": 2, "resamples": 200, "projections": 2, "confidence": 0.9}
    for seed in range(150):
        sets = (RANDOM.normal(size=(40, 1)), 1 + RANDOM.normal(size=(40, 1)), RANDOM.normal(size=(50, 1)))
        gap = distance_gaps(*sets, names=["energy_distance"], seed=seed, **how)["energy_distance"]
        found += gap.low <= delta <= gap.high
    assert found / 150 == pytest.approx(0.9, abs=0.1)


@pytest.mark.parametrize("noise", [0.9, 1.1])
def test_a_noised_copy_is_seen_up_to_the_noise_where_it_cannot_be(noise):
    """x_k + s ξ is |s| √d from x_k and √(D_k² + s² d) from the next, D_k apart: d_1 < d_2/3 to s √d < D_k/√8.

    Then, up to s √d = D_k, it is still not authentic.
    """
    dim = 400
    train, held_out = RANDOM.normal(size=(100, dim)), RANDOM.normal(size=(60, dim))
    apart = cdist(train, train) + np.diag(np.full(100, np.inf))
    spacing = np.median(apart.min(1))

    def measured(size):
        generated = train + size / np.sqrt(dim) * RANDOM.normal(size=train.shape)
        return jaxmem.measure(generated, train, held_out, distances=["energy_distance"], **QUICK)

    ratio_limit = measured(noise * spacing / np.sqrt(8))
    assert (ratio_limit.memorised.value > 0.9) == (noise < 1)
    assert (ratio_limit.memorised.value < 0.1) == (noise > 1)
    assert ratio_limit.authentic.value == 0
    authentic_limit = measured(noise * spacing)
    assert (authentic_limit.authentic.value < 0.1) == (noise < 1)


def test_cells_of_a_users_own_say_where_copies_are():
    centres = np.repeat([[0.0, 0.0], [100.0, 0.0]], 60, axis=0)
    train, held_out, generated = (centres + RANDOM.normal(size=(120, 2)) for _ in range(3))
    generated[60:] = train[60:] + 1e-3
    own = jaxmem.measure(generated, train, held_out, cells=lambda rows: rows[:, 0] > 50, **QUICK)
    assert [cell.copied for cell in own.data_copying.cells] == [False, True]
    means = jaxmem.measure(generated, train, held_out, cells=2, **QUICK)
    assert sorted(cell.z for cell in means.data_copying.cells) == sorted(
        cell.z for cell in own.data_copying.cells
    )


def test_repeats_are_counted_and_hide_no_copy():
    train = RANDOM.normal(size=(50, 3))
    generated = np.concatenate([train[3:8], RANDOM.normal(size=(20, 3))])
    plain = jaxmem.measure(generated, train)
    found = jaxmem.measure(generated, np.concatenate([train[:5], train, train[:9]]))
    assert found.train_duplicates == 14
    assert found.memorised.value == plain.memorised.value >= 0.2
    assert [pair.train for pair in found.nearest_pairs[:5]] == [3, 4, 10, 11, 12]
    leak = jaxmem.measure(np.repeat(generated, 2, 0), train, np.concatenate([train[:3], generated]), **QUICK)
    assert (leak.held_out_in_train, leak.generated_duplicates) == (8, 25)


def test_what_a_user_has(tmp_path):
    train, generated = RANDOM.normal(size=(30, 4)), RANDOM.normal(size=(12, 4))
    expected = jaxmem.measure(generated, train).as_dict()
    np.save(tmp_path / "t.npy", train)
    np.savez(tmp_path / "g.npz", generated)
    assert jaxmem.measure(tmp_path / "g.npz", str(tmp_path / "t.npy")).as_dict() == expected
    assert jaxmem.measure(generated.tolist(), train).as_dict() == expected
    images = RANDOM.integers(256, size=(12, 2, 2, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    rows = images.reshape(12, 12) / 127.5 - 1
    found = jaxmem.measure(tmp_path / "images.npy", rows.astype(np.float32))
    assert found.memorised.value == 1
    halved = jaxmem.measure(2 * generated, 2 * train, features=lambda rows: rows / 2)
    assert halved.memorised.value == expected["memorised_fraction"]
    named = jaxmem.measure(generated, train, features="numpy:cos")
    assert named.as_dict() == jaxmem.measure(np.cos(generated), np.cos(train)).as_dict()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere.npy", np.eye(3)), "generated must be the path of a .npy or .npz file or of a folder"),
        ((np.eye(4), np.eye(3)), "generated must have as many numbers a sample as train, 3, got 4"),
        ((np.eye(3), np.ones((5, 3))), "train must hold at least 2 samples that differ, got 1"),
        ((np.eye(3), np.eye(3), np.ones((1, 3))), "held_out must hold at least 2 samples, got 1"),
        ((np.full((2, 3), np.nan), np.eye(3)), "generated must be finite, got nan"),
    ],
)
def test_bad_samples_have_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        jaxmem.measure(*arguments)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"features": "numpy:nothing"}, "features must name a function that there is"),
        ({"features": "numpy"}, "features must be a function, as"),
        ({"features": lambda rows: rows[:1]}, "features must give a row for every sample"),
        ({"distances": ["hausdorff"]}, "distances must be one of energy_distance"),
        ({"permutations": 0}, "permutations must be a whole number of at least 1"),
    ],
)
def test_bad_options_have_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        jaxmem.measure(np.eye(3), np.eye(3), np.eye(3), **options)
