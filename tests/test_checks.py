"""What a user has, as arrays of floating point; what holds no real numbers gets its sentence."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from jaxmem import _checks

NUMBERS = [[1, 2], [3, 400_000_001]]  # the last is no float32


@pytest.mark.parametrize(
    "value",
    [
        NUMBERS,
        tuple(map(tuple, NUMBERS)),
        np.array(NUMBERS),
        jnp.array(NUMBERS),
        pd.DataFrame(NUMBERS),
        pd.DataFrame(NUMBERS).astype("Int64"),
        xr.DataArray(NUMBERS),
        np.array(NUMBERS, np.longdouble),
    ],
)
def test_numbers_of_any_kind_keep_their_digits(value: object) -> None:
    found = _checks.real_array("data", value)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.array(NUMBERS, np.float64))


def test_small_types_become_float32_and_floats_stay() -> None:
    for dtype in (bool, np.uint8, np.int16, np.float16, jnp.bfloat16):
        for array in (np.ones(3, dtype), jnp.ones(3, dtype)):
            assert _checks.real_array("data", array).dtype == np.float32
    for kept in (jnp.ones(3), np.ones(3), np.ones(3, np.float32)):
        assert _checks.real_array("data", kept) is kept
    half = np.ones(3, np.float16)
    assert _checks.real_array("data", half, keep_half=True) is half
    missing = _checks.real_array("data", pd.Series([1, None], dtype="Int64"))
    np.testing.assert_array_equal(missing, [1, np.nan])


def test_traced_values_pass() -> None:
    def double(x: jax.Array) -> jax.Array:
        array = _checks.real_array("x", [x, 2 * x])
        assert jnp.issubdtype(array.dtype, jnp.floating)
        return array.sum()

    assert jax.grad(double)(1.0) == 3.0
    assert jax.jit(double)(1) == 3.0


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (np.ma.array([1.0, -9999.0], mask=[False, True]), "a masked array"),
        ([np.ma.array([1.0, -9999.0], mask=[False, True])], "a masked array"),
        (np.array([1 + 2j]), "complex128 values"),
        (jnp.array([1 + 2j]), "complex64 values"),
        ([1.0, None], "object values"),
        (pd.DataFrame({"a": ["x"]}), "values"),
        (["1.5"], "<U3 values"),
        ([[1.0], [1.0, 2.0]], "of which NumPy makes none"),
        (np.array(["2020-01-01"], "datetime64[D]"), "datetime64"),
        (xr.Dataset({"a": 1.0}), "values|of which NumPy makes none"),
    ],
)
def test_what_holds_no_real_numbers_is_refused_by_name(value: object, got: str) -> None:
    with pytest.raises(ValueError, match=rf"^data must be an array of real numbers, got .*({got})"):
        _checks.real_array("data", value)


def test_a_function_that_takes_real_arrays() -> None:
    @_checks.real_arrays("x", "y")
    def function(x: np.ndarray, *, y: np.ndarray | None = None, z: int = 1) -> list[str | None]:
        return [str(x.dtype), None if y is None else str(y.dtype), type(z).__name__]

    assert function([1], z=2) == ["float64", None, "int"]
    assert function(y=[True], x=[0.5]) == ["float64", "float32", "int"]
    with pytest.raises(ValueError, match=r"^y must be an array of real numbers"):
        function([1], y=[1j])
