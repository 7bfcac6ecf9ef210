"""Figures of stores beside the theory (floor 4)."""

from jaxmem.describing.panels import Curve as Curve
from jaxmem.describing.panels import Guide as Guide
from jaxmem.describing.panels import Panel as Panel
from jaxmem.plotting.figure import plot as plot
from jaxmem.plotting.files import check_figure_path as check_figure_path
from jaxmem.plotting.files import save as save
from jaxmem.plotting.pictures import plot_pictures as plot_pictures
from jaxmem.plotting.scaling import plot_transition as plot_transition
