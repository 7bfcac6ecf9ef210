"""Where data come from (floor 0): populations with sampling, moments, log density and exact scores."""

from jaxmem.populations.chi_square import chi_square as chi_square
from jaxmem.populations.empirical import Empirical as Empirical
from jaxmem.populations.gaussian import Gaussian as Gaussian
from jaxmem.populations.gaussian_mixture import GaussianMixture as GaussianMixture
from jaxmem.populations.given_array import GivenArray as GivenArray
from jaxmem.populations.population import AbstractPopulation as AbstractPopulation
from jaxmem.populations.reduced_sample import ReducedSample as ReducedSample
from jaxmem.populations.reduced_sample import reduced_sample as reduced_sample
from jaxmem.populations.settings import PopulationSettings as PopulationSettings
from jaxmem.populations.sphere import Sphere as Sphere
