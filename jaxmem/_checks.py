"""Checks at the door: one sentence naming the argument, its value and what is allowed.

Public functions call these once on what the user gave; inner kernels trust their inputs. A traced value
(inside jit or vmap) has a shape but no numbers, so its numbers are not looked at.
"""

import itertools
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

SYMMETRY_TOLERANCE = 1e-6
"""Largest |A - Aᵀ| over max|A| that still counts as symmetric: float32 rounding of a d = 1,000 product."""


def is_traced(value: Any) -> bool:
    """Whether `value` is known only to a JAX transformation."""
    jax = sys.modules.get("jax")  # not imported here: theory and statistics do without it
    return jax is not None and isinstance(value, jax.core.Tracer)


def positive_integer(name: str, value: Any, *, least: int = 1, most: int | None = None) -> int:
    """Return `value` as an int of at least `least` and, if given, at most `most`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"at least {least} and at most {most}"
        raise ValueError(f"{name} must be a whole number of {bounds}, got {value!r}.")
    return int(value)


def real_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    below: float | None = None,
) -> Any:
    """Return `value` as a finite float inside the given bounds, or as it is where traced."""
    if is_traced(value):
        return value
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("above", above), ("at least", least), ("at most", most), ("below", below))
        if bound is not None
    ]
    allowed = " ".join(["a finite number", " and ".join(bounds)]).strip()
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be {allowed}, got {value!r}.") from None
    inside = (
        math.isfinite(number)
        and (above is None or number > above)
        and (least is None or number >= least)
        and (most is None or number <= most)
        and (below is None or number < below)
    )
    if not inside or isinstance(value, bool | str):
        raise ValueError(f"{name} must be {allowed}, got {value!r}.")
    return number


def real_numbers(
    name: str, values: Any, *, above: float | None = None, least: float | None = None
) -> np.ndarray:
    """Return `values` as a float64 array with every entry finite and inside the given bounds."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be real numbers, got {values!r}.") from None
    outside = ~np.isfinite(array)
    if above is not None:
        outside |= array <= above
    if least is not None:
        outside |= array < least
    if outside.any():
        real_number(name, array[outside][0].item(), above=above, least=least)
    return array


def whole_numbers(name: str, values: Any, *, least: int = 1) -> np.ndarray:
    """Return `values` as a float64 array of whole numbers of at least `least`."""
    array = real_numbers(name, values, least=least)
    broken = array != np.round(array)
    if broken.any():
        raise ValueError(f"{name} must be whole numbers of at least {least}, got {array[broken][0].item()}.")
    return array


def one_of(name: str, value: Any, allowed: Iterable[Any]) -> Any:
    """Return `value` if it is among `allowed`."""
    choices = list(allowed)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}.")
    return value


def increasing(name: str, values: Sequence[float]) -> None:
    """Refuse an empty, unsorted or repeating axis."""
    if len(values) == 0:
        raise ValueError(f"{name} must hold at least one value, got an empty axis.")
    if any(not later > earlier for earlier, later in itertools.pairwise(values)):
        raise ValueError(f"{name} must be strictly increasing, got {tuple(values)}.")


def shape(name: str, value: Any, *sizes: int | None) -> None:
    """Refuse an array whose shape is not `sizes`; None allows any size of at least 1."""
    actual = np.shape(value)
    wanted = f"({', '.join('any' if size is None else str(size) for size in sizes)})"
    fits = len(actual) == len(sizes) and all(
        a >= 1 if s is None else a == s for a, s in zip(actual, sizes, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} must have shape {wanted}, got {actual}.")


def finite(name: str, value: Any) -> None:
    """Refuse NaN and infinities, naming the first."""
    if is_traced(value):
        return
    array = np.asarray(value)
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at index {where}.")


def samples(name: str, value: Any, *, dim: int | None = None, least: int = 1, count: Any = None) -> None:
    """Refuse anything but finite samples (n, d), or too few: of the rows, or of the `count` to be used."""
    shape(name, value, None, dim)
    rows = np.shape(value)[0]
    if rows < least:
        raise ValueError(f"{name} must hold at least {least} samples, got {rows}.")
    finite(name, value)
    row_count(count, rows, least=least)


def row_count(count: Any, rows: int, *, least: int = 1) -> None:
    """Refuse a number of valid rows, if given, that is not from `least` to `rows`."""
    if count is None or is_traced(count):
        return
    number = np.asarray(count)  # inside jit even comparing known JAX arrays would be traced
    if number.ndim or not np.issubdtype(number.dtype, np.integer) or not least <= number <= rows:
        raise ValueError(f"count must be a whole number from {least} to {rows}, the rows given, got {count}.")


def noised_samples(data: Any, mu: Any, sigma: Any, *, dim: int | None = None, count: Any = None) -> None:
    """Refuse what does not define the noised law of the first `count` rows of `data`."""
    samples("data", data, dim=dim, count=count)
    real_number("mu", mu)
    real_number("sigma", sigma, above=0.0)


def covariance(name: str, value: Any, *, dim: int | None = None) -> None:
    """Refuse a matrix that is not square, finite, symmetric and positive semi-definite."""
    size = dim if dim is not None else (np.shape(value)[0] if np.ndim(value) else None)
    shape(name, value, size, size)
    if is_traced(value):
        return
    finite(name, value)
    matrix = np.asarray(value, np.float64)
    scale = np.abs(matrix).max()
    asymmetry = np.abs(matrix - matrix.T).max()
    if asymmetry > SYMMETRY_TOLERANCE * scale:
        raise ValueError(
            f"{name} must be symmetric, got |A - Aᵀ| up to {asymmetry:.3g} beside entries up to {scale:.3g}."
        )
    least = np.linalg.eigvalsh((matrix + matrix.T) / 2).min()
    if least < -SYMMETRY_TOLERANCE * scale * matrix.shape[0]:
        raise ValueError(f"{name} must be positive semi-definite, got an eigenvalue of {least:.6g}.")
