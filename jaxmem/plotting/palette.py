"""What colour, marker and dashes mean: one thing each, in every panel of a figure.

Where any panel tells a dimension apart, colour is that dimension's, and several curves of a panel differ in
fill (points) or dashes (trajectories); what has no such dimension is dark grey. Where none does, colour is
the curve's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import xarray as xr
from matplotlib.colors import to_rgb

from jaxmem.describing.panels import Panel
from jaxmem.plotting.style import MARKERS, OKABE_ITO, Colour, colours_of

Fill = Literal["full", "none", "left", "bottom", "right", "top"]

NEUTRAL = "0.3"
FILLS: tuple[Fill, ...] = ("full", "none", "left", "bottom", "right", "top")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (5, 1.5, 1, 1.5)), (0, (2, 1)))
DOTS = (0, (1, 1))
"""Theory beside trajectories, whose curves have the dashes."""


@dataclass(frozen=True)
class Look:
    """How one curve at one value of the hue is drawn."""

    colour: Colour
    marker: str
    fill: Fill
    dashes: Any


@dataclass(frozen=True)
class Palette:
    """The meanings of a figure.

    Attributes:
        hues: dimension → a colour per value, of those dimensions that colour tells apart.
        points: names of the curves in panels of several, drawn as points.
        joined: the same for trajectories.
    """

    hues: Mapping[str, Sequence[Colour]]
    points: tuple[str, ...]
    joined: tuple[str, ...]

    def look(self, panel: Panel, curve: int, hue: str | None, value: int) -> Look:
        """The look of a panel's curve at one value of the panel's hue."""
        several = len(panel.curves) > 1
        names = self.joined if panel.joined else self.points
        k = names.index(name_of(panel, curve)) if several else 0
        fill, dashes = FILLS[k % len(FILLS)], DASHES[k % len(DASHES)]
        if hue is not None and hue in self.hues:
            return Look(self.hues[hue][value], MARKERS[value % len(MARKERS)], fill, dashes)
        if self.hues:
            return Look(to_rgb(NEUTRAL), MARKERS[k % len(MARKERS)], fill, dashes)
        if several:
            k = (self.points + self.joined).index(name_of(panel, curve))
            return Look(to_rgb(OKABE_ITO[k % len(OKABE_ITO)]), MARKERS[k % len(MARKERS)], "full", "-")
        alone = not (self.points or self.joined)
        return Look(to_rgb(OKABE_ITO[0] if alone else NEUTRAL), MARKERS[0], "full", "-")

    def glyph(self, panel: Panel, curve: int, hue: str | None) -> Look:
        """What names a curve in the legend: its own look, grey and round where those are the hue's."""
        look = self.look(panel, curve, hue, 0)
        return Look(to_rgb(NEUTRAL), "o", look.fill, look.dashes) if hue in self.hues else look


def palette_of(dataset: xr.Dataset, panels: Iterable[tuple[Panel, str | None]]) -> Palette:
    """The palette of panels, each with its hue."""
    hues: dict[str, Sequence[Colour]] = {}
    points: dict[str, None] = {}
    joined: dict[str, None] = {}
    for panel, hue in panels:
        if hue is not None and dataset.sizes[hue] > 1 and hue not in hues:
            hues[hue] = colours_of(dataset.sizes[hue], len(hues))
        if len(panel.curves) > 1:
            names = dict.fromkeys(name_of(panel, i) for i in range(len(panel.curves)))
            (joined if panel.joined else points).update(names)
    return Palette(hues, tuple(points), tuple(joined))


def name_of(panel: Panel, curve: int) -> str:
    """What tells a curve from another, over the whole figure."""
    return panel.curves[curve].label or panel.curves[curve].variable
