"""Checks at the door: one sentence naming the argument, its value and what is allowed.

Public functions call these once on what the user gave; inner kernels trust their inputs. A traced value
(inside jit or vmap) has a shape but no numbers, so its numbers are not looked at.
"""

import inspect
import itertools
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

SYMMETRY_TOLERANCE = 1e-6
"""Largest |A - Aᵀ| over max|A| that still counts as symmetric: float32 rounding of a d = 1,000 product."""


LEAST_STEPS = 256
"""Steps of float32 that the range of samples must have: their rounding then adds 1e-4 to the variance."""


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


def real_array(name: str, value: Any, *, keep_half: bool = False) -> Any:
    """Return `value` as a floating-point array, JAX's or NumPy's, that holds its digits.

    Lists, whole numbers, booleans, pandas and xarray objects become NumPy arrays, float32 where that holds
    every value of their type and float64 otherwise, whatever the caller's setting of 64-bit types is; JAX
    arrays of floats and traced values stay what they are. Half precision becomes float32 unless `keep_half`.

    Raises:
        ValueError: naming the argument, for complex numbers, masked arrays, objects, strings and dates.
    """
    if _is_masked(value):
        raise ValueError(
            f"{name} must be an array of real numbers, got a masked array, whose hidden values would count; "
            "give it filled or without its masked rows."
        )
    keeps = is_traced(value) or (_is_jax(value) and _is_floating(value.dtype))  # JAX may have no float64
    array = value if keeps else _as_numpy(name, value)
    dtype = array.dtype
    if _is_floating(dtype):
        least, most = (2 if keep_half else 4), 8
        if least <= dtype.itemsize <= most:
            return array
        return array.astype(np.float32 if dtype.itemsize < least else np.float64)
    if str(dtype).startswith(("bool", "int", "uint")):
        return array.astype(float if is_traced(array) else np.result_type(dtype, np.float32))
    raise ValueError(f"{name} must be an array of real numbers, got {dtype} values.")


def real_arrays(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a public function: its arguments `names`, where they are given, come as `real_array`s."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def converted(*args: P.args, **kwargs: P.kwargs) -> R:
            arguments = signature.bind(*args, **kwargs)
            for name in names:
                if arguments.arguments.get(name) is not None:
                    arguments.arguments[name] = real_array(name, arguments.arguments[name])
            return function(*arguments.args, **arguments.kwargs)

        return converted

    return decorate


def _is_masked(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(isinstance(entry, np.ma.MaskedArray) for entry in value)
    return isinstance(value, np.ma.MaskedArray)


def _is_jax(value: Any) -> bool:
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def _is_floating(dtype: Any) -> bool:
    """Of NumPy, or the half precision of JAX that NumPy does not know."""
    return str(dtype).startswith(("float", "bfloat"))


def _as_numpy(name: str, value: Any) -> Any:
    """What NumPy, or JAX where a list holds traced values, makes of `value`; objects and text included."""
    try:
        array = np.asarray(value)
    except Exception as error:
        jax = sys.modules.get("jax")
        if jax is not None and isinstance(error, jax.errors.TracerArrayConversionError):
            return jax.numpy.asarray(value)
        raise ValueError(
            f"{name} must be an array of real numbers, got {type(value).__name__}, of which NumPy makes none "
            f"({str(error).splitlines()[0]})."
        ) from None
    if array.dtype == object and hasattr(value, "to_numpy"):  # pandas' nullable numbers
        types = [str(dtype) for dtype in np.ravel(np.asarray(value.dtypes, object))]
        if all(kind.lower().startswith(("int", "uint", "float", "bool")) for kind in types):
            return value.to_numpy(np.float64, na_value=np.nan)
    return array


def boolean(name: str, value: Any) -> bool:
    """Return `value` if it is True or False, and nothing that only counts as such."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


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


def resolved(*named: tuple[str, Any]) -> None:
    """Refuse samples whose spread float32 cannot hold so far from the origin; (name, value) of one data set.

    Only float32 samples: their digits were lost before they came here. Those of float64 are centred first.
    """
    arrays = [value for _, value in named]
    if any(is_traced(value) or np.dtype(value.dtype) != np.float32 for value in arrays):
        return
    rows = [np.asarray(value) for value in arrays]
    least, most = np.min([each.min(0) for each in rows], 0), np.max([each.max(0) for each in rows], 0)
    spread, size = float((most - least).max()), float(max(np.abs(least).max(), np.abs(most).max()))
    if 0 < spread < LEAST_STEPS * float(np.finfo(np.float32).eps) * size:
        raise ValueError(
            f"{' and '.join(name for name, _ in named)} must have a spread that float32 resolves, got one of "
            f"{spread:g} at a distance of {size:g} from the origin: give float64 or centre them first."
        )


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
