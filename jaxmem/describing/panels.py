"""What a study's figure shows, as plain data: a study says it, `jaxmem.plotting` draws it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

Scale = Literal["linear", "log"]

Theory = Callable[[Mapping[str, Any]], Any]
"""A prediction along a curve. Its argument holds the study's configuration by field name and, over it, the
coordinates by name: the panel's `x` as an array, the others as numbers; on a map `x` as a row and `y` as a
column. It returns an array of the shape they broadcast to, NaN where it has nothing to say."""


@dataclass(frozen=True)
class Curve:
    """One quantity of a panel: the simulation as points, its theory as a line.

    Attributes:
        variable: name of a stored variable; where a store lacks it, the panel is left out.
        theory: its prediction, where there is one.
        transform: makes the array to show from the stored one, replicate by replicate, and gives it the
            attributes `long_name`, `units` and `summary` of a stored variable.
        label: what the legend calls it, in a panel of several curves.
    """

    variable: str
    theory: Theory | None = None
    transform: Callable[[xr.DataArray], xr.DataArray] | None = None
    label: str = ""


@dataclass(frozen=True)
class Guide:
    """A thin grey line with its name: vertical at `x`, horizontal at `y`, or y = `curve(x)`."""

    label: str
    x: float | None = None
    y: float | None = None
    curve: Callable[[np.ndarray], Any] | None = None


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Dimensions of the variables that are not named here, and have more than one value, are drawn one panel
    below the other.

    Attributes:
        curves: what is drawn; several share the axes, in a colour each. A map has exactly one.
        x: coordinate along the abscissa; it may depend on others, as n does on (dim, load).
        hue: dimension told apart by colour and marker. Where it has one value only, another takes its place.
        y: second coordinate: the panel is a map of the quantity over (x, y).
        x_scale: of the abscissa.
        y_scale: of the ordinate.
        limits: of the quantity; None leaves an end to the data.
        y_label: of the ordinate, where it is not the variable's own name.
        title: above the panel.
        guides: lines to compare with.
        transition: mark where a probability crosses 1/2, with its bootstrap interval.
        joined: a trajectory of many points: a line in a band instead of points with error bars.
        pictures: the variables hold images (`jaxmem.describing.pictures`): each curve is a row of them, a few
            at every `x`, of the first finished replicate; rows of one column belong together, as a generated
            image and its nearest training image, or two models' outputs for one seed. `limits` are black
            and white.
        settings: (symbol, field) of configured numbers to show beside the legend.
    """

    curves: tuple[Curve, ...]
    x: str = "load"
    hue: str = "dim"
    y: str | None = None
    x_scale: Scale = "log"
    y_scale: Scale = "linear"
    limits: tuple[float | None, float | None] = (None, None)
    y_label: str = ""
    title: str = ""
    guides: tuple[Guide, ...] = ()
    transition: bool = False
    joined: bool = False
    pictures: bool = False
    settings: tuple[tuple[str, str], ...] = ()
