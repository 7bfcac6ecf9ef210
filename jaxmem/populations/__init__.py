"""Where data come from (floor 0): populations with sampling, moments, log density and exact scores."""

from jaxmem.populations.binary_patterns import BinaryPatterns as BinaryPatterns
from jaxmem.populations.chi_square import chi_square as chi_square
from jaxmem.populations.contour_images import ContourImages as ContourImages
from jaxmem.populations.duplicates import count_duplicates as count_duplicates
from jaxmem.populations.empirical import Empirical as Empirical
from jaxmem.populations.gaussian import Gaussian as Gaussian
from jaxmem.populations.gaussian_field import GaussianField as GaussianField
from jaxmem.populations.gaussian_mixture import GaussianMixture as GaussianMixture
from jaxmem.populations.given_array import GivenArray as GivenArray
from jaxmem.populations.load_images import LoadedImages as LoadedImages
from jaxmem.populations.load_images import load_images as load_images
from jaxmem.populations.population import AbstractPopulation as AbstractPopulation
from jaxmem.populations.reduced_sample import ReducedSample as ReducedSample
from jaxmem.populations.reduced_sample import reduced_sample as reduced_sample
from jaxmem.populations.settings import PopulationSettings as PopulationSettings
from jaxmem.populations.shifted_template import ShiftedTemplate as ShiftedTemplate
from jaxmem.populations.shipped_images import region_size as region_size
from jaxmem.populations.sphere import Sphere as Sphere
from jaxmem.populations.spike_patterns import spike_patterns as spike_patterns
from jaxmem.populations.train_test import DisjointSets as DisjointSets
from jaxmem.populations.train_test import TrainTest as TrainTest
from jaxmem.populations.train_test import disjoint_train_sets as disjoint_train_sets
from jaxmem.populations.train_test import train_test_split as train_test_split
