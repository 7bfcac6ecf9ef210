"""A function of the user's own, named as module:function: what a configuration can say of it."""

import importlib
from collections.abc import Callable
from typing import Any


def imported(field: str, name: str) -> Callable[..., Any]:
    """The function; `field` is the argument that names it.

    Raises:
        ValueError: there is none.
    """
    module, _, function = str(name).partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{field} must be module:function of an importable module, got {name!r}: {error}."
        ) from None
    if not callable(found):
        raise ValueError(f"{field} must name a function, got {name!r}, which is {found!r}.")
    return found
