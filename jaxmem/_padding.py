"""Padded sizes: few array shapes for many sample sizes, so that a sweep compiles rarely."""

from collections.abc import Iterable


def padded_size(size: int, *, least: int = 16, boundaries: Iterable[int] = ()) -> int:
    """The smallest allowed capacity that holds `size` rows.

    Capacities are powers of two from `least` on, plus the `boundaries`, at which an algorithm changes its
    static form (say n = d, above which the d×d Gram matrix is the smaller): sizes on both sides of a
    boundary never share a capacity.
    """
    capacity = least
    while capacity < size:
        capacity *= 2
    return min([boundary for boundary in boundaries if boundary >= size] + [capacity])
