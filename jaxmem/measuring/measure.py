"""Is this model copying? Every measure of it, of generated samples beside held-out ones."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64

from jaxmem import _checks
from jaxmem.measuring.cells import Partition, cells_of, default_cells, partition_of
from jaxmem.measuring.distances import DISTANCES, distance_gaps
from jaxmem.measuring.measurement import Average, CellTest, Measurement, NearestPair, Share
from jaxmem.measuring.neighbours import Neighbours, neighbours
from jaxmem.measuring.progress import PairProgress
from jaxmem.measuring.samples import Features, Rows, features_function, features_of, read_samples
from jaxmem.metrics.data_copying import data_copying
from jaxmem.metrics.nearest_neighbours import MEMORISED_RATIO
from jaxmem.populations.duplicates import first_occurrences, row_digests
from jaxmem.statistics.excess_test import detectable_excess
from jaxmem.statistics.proportions import clopper_pearson_upper


def measure(
    generated: Any,
    train: Any,
    held_out: Any = None,
    *,
    features: "str | Features | None" = None,
    ratio: float = MEMORISED_RATIO,
    cells: "int | Partition | None" = None,
    distances: Sequence[str] | None = None,
    compared: int = 5_000,
    permutations: int = 999,
    resamples: int = 400,
    projections: int = 64,
    pairs: int = 10,
    confidence: float = 0.95,
    seed: int = 0,
    progress: bool = False,
) -> Measurement:
    """Measure whether a model copies its train set.

    Args:
        generated: samples of the model: an array (n, d) or of images, a .npy or .npz file, or a folder of
            images.
        train: what it was trained on, likewise.
        held_out: samples of the same population that it was not trained on. Without them there is no
            baseline: no p-value, no C_T, no Δ.
        features: a function of samples (b, d) to features (b, k), or its name as "package.module:function";
            distances are then between features. Repeats are counted among the samples themselves.
        ratio: a sample counts as memorised where its distance to the nearest training sample is under this
            share of that to the second nearest.
        cells: of C_T: how many centres of k-means, or a function of samples to the number of their cell; by
            default one for 50 samples, ten at most.
        distances: of which Δ is taken, from energy_distance, maximum_mean_discrepancy_squared,
            sliced_wasserstein, kernel_gap, feature_likelihood; by default all, the kernel gap only up to
            d = 16.
        compared: at most so many train, held-out and generated samples enter Δ.
        permutations: of train and held-out labels; p is a multiple of 1/(1 + permutations).
        resamples: of the bootstrap.
        projections: directions of the sliced Wasserstein distance.
        pairs: how many nearest pairs are told.
        confidence: of intervals, above 0 and below 1.
        seed: of everything random.
        progress: show a bar on standard error.

    Cost: 2 (generated + held-out) · train · d flops for nearest training samples and as many for these ones'
    neighbours, in float32 and in blocks: memory does not grow with train and generated samples on disk.

    Raises:
        ValueError: samples that cannot be read or do not fit together, or an option outside its range.
    """
    ratio = _checks.real_number("ratio", ratio, above=0.0, most=1.0)
    confidence = _checks.real_number("confidence", confidence, above=0.0, below=1.0)
    numbers = {"compared": compared, "permutations": permutations, "resamples": resamples, "pairs": pairs}
    for name, number in numbers.items():
        _checks.positive_integer(name, number, least=2 if name == "compared" else 1)
    _checks.positive_integer("seed", seed, least=0)
    given = _read(generated, train, held_out, features)
    if distances is not None:
        distances = [_checks.one_of("distances", name, DISTANCES) for name in distances]
    with PairProgress(shown=progress) as bar:
        near = neighbours("generated", given.generated, given.distinct, ratio, bar)
        found = {
            **_sizes(given),
            "memorisation": Average.of(near.nearest.cosine),
            "nearest_pairs": _pairs(near, given.first, pairs),
            "memorised_upper": clopper_pearson_upper(
                int(near.memorised.sum()), len(near.memorised), confidence
            ),
            "unseen_upper": clopper_pearson_upper(0, len(near.memorised), confidence),
            "ratio": ratio,
            "confidence": confidence,
            "seed": seed,
        }
        if not len(given.held_out):
            shares = (Share.of(each, confidence) for each in (near.memorised, near.authentic))
            return Measurement(memorised=next(shares), authentic=next(shares), **found)
        far = neighbours("held out", given.held_out, given.distinct, ratio, bar)
        sets, n = _compared(given, compared, seed)
        tick = bar.begin("distances", 2 * n * (2 * n + len(sets[2])))
        gaps = distance_gaps(
            *sets,
            names=distances,
            permutations=permutations,
            resamples=resamples,
            projections=projections,
            confidence=confidence,
            seed=seed,
            tick=tick,
        )
    return Measurement(
        memorised=Share.of(near.memorised, confidence, far.memorised),
        authentic=Share.of(near.authentic, confidence, far.authentic, copying_lowers=True),
        data_copying=_data_copying(given, near, far, cells, seed),
        memorisation_held_out=Average.of(far.nearest.cosine),
        distances=gaps,
        compared=n,
        detectable_copies=detectable_excess(
            float(far.memorised.mean()), len(near.memorised), len(far.memorised)
        ),
        **found,
    )


class _Given(NamedTuple):
    """What was given, as what is compared: samples, or their features."""

    generated: Rows
    train: Rows
    held_out: Rows
    first: Int64[np.ndarray, "distinct"]
    repeated: int
    leaked: int

    @property
    def distinct(self) -> Rows:
        """Training samples that repeat no earlier one."""
        return self.train if len(self.first) == len(self.train) else self.train[self.first]


def _read(generated: Any, train: Any, held_out: Any, features: "str | Features | None") -> _Given:
    function = features_function(features)
    learnt = read_samples("train", train)
    made, fresh = (
        np.zeros((0, learnt.shape[1]), np.float32) if source is None else read_samples(name, source)
        for name, source in (("generated", generated), ("held_out", held_out))
    )
    for name, rows in (("generated", made), ("held_out", fresh)):
        if rows.shape[1] != learnt.shape[1]:
            raise ValueError(
                f"{name} must have as many numbers a sample as train, {learnt.shape[1]}, got {rows.shape[1]}."
            )
    first = first_occurrences(learnt)
    if len(first) < 2:
        raise ValueError(f"train must hold at least 2 samples that differ, got {len(first)}.")
    if held_out is not None and len(fresh) < 2:
        raise ValueError(f"held_out must hold at least 2 samples, got {len(fresh)}.")
    repeated = len(made) - len(first_occurrences(made))
    leaked = sum(map(set(row_digests(learnt)).__contains__, row_digests(fresh))) if len(fresh) else 0
    if function is not None:
        made, learnt = features_of("generated", made, function), features_of("train", learnt, function)
        fresh = features_of("held_out", fresh, function) if len(fresh) else fresh
    return _Given(made, learnt, fresh, first, repeated, leaked)


def _sizes(given: _Given) -> dict[str, Any]:
    return {
        "generated_count": len(given.generated),
        "train_count": len(given.train),
        "held_out_count": len(given.held_out),
        "dim": given.generated.shape[1],
        "train_duplicates": len(given.train) - len(given.first),
        "generated_duplicates": given.repeated,
        "held_out_in_train": given.leaked,
    }


def _compared(given: _Given, compared: int, seed: int) -> tuple[list[Rows], int]:
    """Train, held-out and generated samples that enter Δ, chosen at random, and how many of the first two."""
    n = min(len(given.train), len(given.held_out), compared)
    random = np.random.default_rng(seed)
    sets = []
    for rows, most in ((given.train, n), (given.held_out, n), (given.generated, compared)):
        sets.append(np.asarray(rows[np.sort(random.permutation(len(rows))[:most])]))
    return sets, n


def _data_copying(
    given: _Given, near: Neighbours, far: Neighbours, cells: "int | Partition | None", seed: int
) -> CellTest:
    wanted = default_cells(len(given.generated), len(given.held_out)) if cells is None else cells
    partition = partition_of(wanted, given.distinct, seed)
    found = data_copying(
        near.distance,
        far.distance,
        generated_cell=cells_of(given.generated, partition),
        held_out_cell=cells_of(given.held_out, partition),
    )
    return CellTest.of(found)


def _pairs(near: Neighbours, first: Int64[np.ndarray, "distinct"], count: int) -> tuple[NearestPair, ...]:
    """The nearest, of equals the first; rows of the train set as it was given."""
    rows, distances = near.nearest.row[:, 0], near.nearest.distance
    order = np.argsort(distances[:, 0], kind="stable")[:count]
    ratio = distances[:, 0] / distances[:, 1]
    return tuple(
        NearestPair(int(place), int(first[rows[place]]), float(distances[place, 0]), float(ratio[place]))
        for place in order
    )
