"""A figure that a notebook shows: as a picture, whatever the backend, and without pyplot."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

NOTEBOOK_DOTS_PER_INCH = 120


class InlineFigure(Figure):
    """A figure of its own canvas that IPython displays by itself, as the value of a cell."""

    def __init__(self, width: float, height: float):
        """Take the size in inches; axes are placed so that nothing overlaps."""
        super().__init__(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        """What IPython asks for."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=NOTEBOOK_DOTS_PER_INCH)
        return picture.getvalue()
