"""Memorisation and generalisation in generative models: batched simulation beside the exact theory.

Sub-packages and names load when first used, so that `jaxmem.theory` needs only NumPy and SciPy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxmem import measuring as measuring
    from jaxmem import metrics as metrics
    from jaxmem import plotting as plotting
    from jaxmem import populations as populations
    from jaxmem import reporting as reporting
    from jaxmem import sampling as sampling
    from jaxmem import scores as scores
    from jaxmem import statistics as statistics
    from jaxmem import studies as studies
    from jaxmem import sweeping as sweeping
    from jaxmem import theory as theory
    from jaxmem import training as training
    from jaxmem.measuring.measure import measure as measure
    from jaxmem.reporting import report as report
    from jaxmem.statistics import summarise as summarise
    from jaxmem.sweeping import StoreError as StoreError
    from jaxmem.sweeping import open_store as open_store
    from jaxmem.sweeping import replicate_key as replicate_key
    from jaxmem.sweeping import sweep as sweep

__version__ = "0.1.0"

_PACKAGES = (
    "measuring",
    "metrics",
    "noising",
    "plotting",
    "populations",
    "reporting",
    "sampling",
    "scores",
    "statistics",
    "studies",
    "sweeping",
    "theory",
    "training",
)
_HOMES = {
    "StoreError": "sweeping",
    "measure": "measuring",
    "open_store": "sweeping",
    "replicate_key": "sweeping",
    "report": "reporting",
    "summarise": "statistics",
    "sweep": "sweeping",
}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"jaxmem.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"jaxmem.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'jaxmem' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PACKAGES, *_HOMES])
