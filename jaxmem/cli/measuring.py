"""The command `measure`: one's own samples."""

import sys
from pathlib import Path
from typing import Literal


def measure(
    *,
    generated: Path,
    train: Path,
    held_out: Path | None = None,
    json: bool = False,
    report: Path | None = None,
    features: str | None = None,
    ratio: float = 1 / 3,
    cells: int | None = None,
    distances: tuple[
        Literal[
            "energy_distance",
            "maximum_mean_discrepancy_squared",
            "sliced_wasserstein",
            "kernel_gap",
            "feature_likelihood",
        ],
        ...,
    ]
    | None = None,
    compared: int = 5_000,
    permutations: int = 999,
    resamples: int = 400,
    projections: int = 64,
    pairs: int = 10,
    confidence: float = 0.95,
    seed: int = 0,
    quiet: bool = False,
) -> None:
    """Measure whether a model copies its train set, from samples of one's own.

    Samples are a .npy or .npz file of rows (n, d) or of images, a folder of image files, the folder of
    CIFAR-10, or the name of a shipped set (digits, mnist, photographs). Held-out samples are of the same
    population, and were not trained on: what is true of them too is no copying.

    Args:
        generated: samples of the model.
        train: samples that it was trained on.
        held_out: samples that it was not trained on; without them there are no baselines and no p-values.
        json: print one JSON object instead of tables.
        report: also write a page to this file (.html), with figures and the nearest pairs as pictures.
        features: a function of samples to features between which distances are taken, as
            package.module:function; it is imported and called with rows (b, d).
        ratio: a sample is memorised where the distance to its nearest training sample is under this share of
            that to the second nearest (above 0 and at most 1).
        cells: of the data-copying test C_T, by k-means; by default one for 50 samples, ten at most.
        distances: of which the difference between train and held-out samples is taken; by default all, the
            kernel gap only up to 16 dimensions.
        compared: at most so many train, held-out and generated samples enter the distances (a count).
        permutations: of train and held-out labels in the tests of distances (a count).
        resamples: of the bootstrap (a count).
        projections: directions of the sliced Wasserstein distance (a count).
        pairs: how many nearest pairs are told (a count).
        confidence: of the intervals, above 0 and below 1.
        seed: of everything random.
        quiet: show no progress.

    Examples:
        jaxmem measure --generated generated.npy --train train.npy --held-out test.npy
        jaxmem measure --generated samples/ --train photographs/ --json > measured.json
        jaxmem measure --generated samples/ --train photographs/ --report measured.html
    """
    from jaxmem.cli.signals import held  # noqa: PLC0415 - JAX loads only where it is needed

    if features is not None:
        sys.path.insert(0, str(Path.cwd()))  # modules that lie where the command is given
    with held():
        from jaxmem.measuring import measure as measured  # noqa: PLC0415
        from jaxmem.measuring import measurement_table  # noqa: PLC0415

        if report is not None:
            from jaxmem.reporting.document import page_path  # noqa: PLC0415

            page_path(report)  # what cannot be written is told before anything is computed

    found = measured(
        generated,
        train,
        held_out,
        features=features,
        ratio=ratio,
        cells=cells,
        distances=distances,
        compared=compared,
        permutations=permutations,
        resamples=resamples,
        projections=projections,
        pairs=pairs,
        confidence=confidence,
        seed=seed,
        progress=not quiet,
    )
    if report is not None:
        from jaxmem.reporting import report_measurement  # noqa: PLC0415

        page = report_measurement(found, report, generated=generated, train=train)
        print(f"report: {page}", file=sys.stderr)
    print(found.as_json() if json else measurement_table(found))
