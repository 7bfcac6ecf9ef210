"""Padded sizes: few array shapes for many sample sizes, so that a sweep compiles rarely."""

from collections.abc import Iterable

COARSE_UP_TO = 1024
"""Up to here capacities grow by 4, beyond by 2: one more program costs more than small fits save."""


def padded_size(size: int, *, least: int = 16, boundaries: Iterable[int] = ()) -> int:
    """The smallest allowed capacity that holds `size` rows.

    Capacities are `least` times powers of 4, from `COARSE_UP_TO` on of 2, plus the `boundaries`, at which
    an algorithm changes its static form (say n = d, above which the d×d Gram matrix is the smaller): sizes
    on both sides of a boundary never share a capacity.
    """
    capacity = least
    while capacity < size:
        capacity *= 4 if capacity < COARSE_UP_TO else 2
    return min([boundary for boundary in boundaries if boundary >= size] + [capacity])
