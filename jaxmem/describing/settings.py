"""Settings in plain Python, whatever they are handed over as: hashable, and the same text in every store."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np

CONTENTS = "#sha256="
"""Between where an array lies and the digest of what it holds, in the text that stands for it."""


def contents_of(setting: Any) -> Any:
    """What decides a result: of an array that is named by its place and its contents, the contents alone."""
    if isinstance(setting, str) and CONTENTS in setting:
        return setting[setting.index(CONTENTS) :]
    return setting


def flattened(configuration: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted names."""
    flat: dict[str, Any] = {}
    for key, value in configuration.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def make_plain(settings: Any) -> None:
    """Turn lists and arrays in the fields of a frozen dataclass into tuples, NumPy's numbers into Python's.

    A field that takes several values takes a single one as one of them.

    Raises:
        ValueError: a field of nested settings holds something else.
    """
    hints = typing.get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        value = _plain(field.name, getattr(settings, field.name), _options(hints[field.name]))
        object.__setattr__(settings, field.name, value)


def values_of(setting: Any) -> tuple[Any, ...]:
    """The values of a field that takes one or many."""
    return setting if isinstance(setting, tuple) else (setting,)


def takes_one_or_many(hint: Any) -> bool:
    """Whether an annotation is a union of a number and a tuple of numbers."""
    options = _options(hint)
    return any(option in (int, float) for option in options) and _takes_many(options)


def _options(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation itself."""
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _takes_many(options: tuple[Any, ...]) -> bool:
    return any(typing.get_origin(option) is tuple for option in options)


def _plain(name: str, value: Any, options: tuple[Any, ...]) -> Any:
    nested = tuple(each for each in options if isinstance(each, type) and dataclasses.is_dataclass(each))
    if nested:
        if not isinstance(value, nested):
            raise ValueError(f"{name} must be {nested[0].__name__}(...), got {value!r}.")
        return value
    if hasattr(value, "__array__"):  # of NumPy or of JAX, a number or many
        value = np.asarray(value).tolist()
    if not _takes_many(options):
        return value
    if isinstance(value, list | tuple | range):
        return tuple(np.asarray(each).item() if hasattr(each, "__array__") else each for each in value)
    return (value,) if len(options) == 1 else value
