"""Order parameters and distances (floor 1): pure functions of samples, moments or models."""

from jaxmem.metrics.gaussian_distances import GaussianDistances as GaussianDistances
from jaxmem.metrics.gaussian_distances import gaussian_distances as gaussian_distances
from jaxmem.metrics.gaussian_distances import operator_norm_distance as operator_norm_distance
