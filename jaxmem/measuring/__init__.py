"""One's own samples (floor 3): is this model copying its train set?"""

from jaxmem.measuring.distances import DistanceGap as DistanceGap
from jaxmem.measuring.measure import measure as measure
from jaxmem.measuring.measurement import Measurement as Measurement
from jaxmem.measuring.samples import read_pictures as read_pictures
from jaxmem.measuring.samples import read_samples as read_samples
from jaxmem.measuring.table import measurement_table as measurement_table
