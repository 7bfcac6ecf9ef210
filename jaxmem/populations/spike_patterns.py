"""Orthonormal images along which spikes lie: global, local or without structure."""

from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from jaxmem import _checks
from jaxmem.populations.gaussian_field import wave_numbers

PatternKind = Literal["fourier", "localised", "random"]

BLOCKS = 4
"""Localised patterns lie in a grid of so many blocks to a side, one in each."""

SEED = 0
"""Of the random directions, which are the same in every replicate."""


@lru_cache(maxsize=32)
def spike_patterns(kind: PatternKind, count: int, height: int, width: int) -> np.ndarray:
    """`count` orthonormal images as rows (count, height · width), float64.

    Args:
        kind: "fourier", the cosine and sine waves of the lowest frequencies above 0, along which a stationary
            model can hold a spike; "localised", a bump each, in blocks of a quarter of the image's sides that
            do not touch, which it cannot; "random", fixed directions without any structure.
        count: at most d − 1 waves, 16 bumps, or d directions.
        height: in pixels.
        width: in pixels.

    Raises:
        ValueError: there are not as many.
    """
    _checks.one_of("kind", kind, get_args(PatternKind))
    most = most_patterns(kind, height, width)
    if not 0 <= count <= most:
        raise ValueError(f"spikes must be at most {most} {kind} patterns at this size, got {count}.")
    if kind == "fourier":
        found = _waves(height, width)[:count]
    elif kind == "localised":
        found = _bumps(height, width)[:count]
    else:
        normal = np.random.default_rng(SEED).standard_normal((height * width, height * width))
        found = np.linalg.qr(normal)[0].T[:count]
    found.flags.writeable = False
    return found


def most_patterns(kind: PatternKind, height: int, width: int) -> int:
    """How many of a kind there are."""
    return {
        "fourier": height * width - 1,
        "localised": min(BLOCKS, height) * min(BLOCKS, width),
        "random": height * width,
    }[kind]


def _waves(height: int, width: int) -> np.ndarray:
    """Real orthonormal waves by rising frequency, cosine before sine, without the constant."""
    down, across = np.indices((height, width))
    order = np.argsort(wave_numbers(height, width).ravel(), kind="stable")[1:]
    found, seen = [], set()
    for index in order:
        k, j = divmod(int(index), width)
        if ((-k) % height, (-j) % width) in seen:
            continue
        seen.add((k, j))
        phase = 2 * np.pi * (k * down / height + j * across / width)
        for wave in (np.cos(phase), np.sin(phase)):
            length = np.linalg.norm(wave)
            if length > 1e-6:  # the sine of a frequency that is its own negative is 0
                found.append(wave.ravel() / length)
    return np.array(found)


def _bumps(height: int, width: int) -> np.ndarray:
    """sin² bumps in blocks that do not overlap, the far ones first."""
    rows, columns = min(BLOCKS, height), min(BLOCKS, width)
    tall, wide = height // rows, width // columns
    profile = np.outer(
        np.sin(np.pi * (np.arange(tall) + 0.5) / tall) ** 2,
        np.sin(np.pi * (np.arange(wide) + 0.5) / wide) ** 2,
    )
    found = np.zeros((rows * columns, height, width))
    # 7 and 16 have no common divisor: neighbours in the list are blocks apart in the image
    order = sorted(range(rows * columns), key=lambda k: 7 * k % (rows * columns))
    for which, block in enumerate(order):
        top, left = tall * (block // columns), wide * (block % columns)
        found[which, top : top + tall, left : left + wide] = profile / np.linalg.norm(profile)
    return found.reshape(rows * columns, -1)
