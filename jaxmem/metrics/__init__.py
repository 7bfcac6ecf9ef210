"""Order parameters and distances (floor 1): pure functions of samples, moments or models."""

from jaxmem.covariances.bidiagonal import BidiagonalCovariance as BidiagonalCovariance
from jaxmem.covariances.spectral import SpectralCovariance as SpectralCovariance
from jaxmem.metrics.condensation import Condensation as Condensation
from jaxmem.metrics.condensation import condensation as condensation
from jaxmem.metrics.density_distances import DensityDistances as DensityDistances
from jaxmem.metrics.density_distances import density_distances as density_distances
from jaxmem.metrics.density_distances import log_affinity_to_gaussian as log_affinity_to_gaussian
from jaxmem.metrics.distances_to_population import bures as bures
from jaxmem.metrics.distances_to_population import hellinger_squared as hellinger_squared
from jaxmem.metrics.distances_to_population import kl_generated_population as kl_generated_population
from jaxmem.metrics.distances_to_population import kl_population_generated as kl_population_generated
from jaxmem.metrics.distances_to_population import log_affinity as log_affinity
from jaxmem.metrics.distances_to_population import operator_norm as operator_norm
from jaxmem.metrics.energy_distance import energy_distance as energy_distance
from jaxmem.metrics.gaussian_distances import GaussianDistances as GaussianDistances
from jaxmem.metrics.gaussian_distances import gaussian_distances as gaussian_distances
from jaxmem.metrics.gaussian_distances import operator_norm_distance as operator_norm_distance
from jaxmem.metrics.kernel_gap import KernelGap as KernelGap
from jaxmem.metrics.kernel_gap import kernel_bandwidth as kernel_bandwidth
from jaxmem.metrics.kernel_gap import kernel_gap as kernel_gap
from jaxmem.metrics.kernel_gap import kernel_gap_from_logs as kernel_gap_from_logs
from jaxmem.metrics.kernel_gap import log_gaussian_overlap as log_gaussian_overlap
from jaxmem.metrics.kernel_gap import log_self_overlap as log_self_overlap
from jaxmem.metrics.marginal_kernel_gap import marginal_kernel_gap as marginal_kernel_gap
from jaxmem.metrics.maximum_mean_discrepancy import (
    maximum_mean_discrepancy_squared as maximum_mean_discrepancy_squared,
)
from jaxmem.metrics.maximum_mean_discrepancy import median_bandwidth as median_bandwidth
from jaxmem.metrics.memorisation import memorisation as memorisation
from jaxmem.metrics.nearest_neighbours import NearestTwo as NearestTwo
from jaxmem.metrics.nearest_neighbours import memorised_fraction as memorised_fraction
from jaxmem.metrics.nearest_neighbours import nearest_two as nearest_two
from jaxmem.metrics.nearest_training import NearestTraining as NearestTraining
from jaxmem.metrics.nearest_training import nearest_training as nearest_training
from jaxmem.metrics.overlaps import convergence as convergence
from jaxmem.metrics.overlaps import latent_recovery as latent_recovery
from jaxmem.metrics.overlaps import sampled_convergence as sampled_convergence
from jaxmem.metrics.overlaps import subspace_recovery as subspace_recovery
from jaxmem.metrics.regularity import regularity_weight as regularity_weight
from jaxmem.metrics.regularity import total_variation_of_curve as total_variation_of_curve
from jaxmem.metrics.regularity import total_variation_of_kinks as total_variation_of_kinks
from jaxmem.metrics.sample_gap import sample_gap as sample_gap
from jaxmem.metrics.sample_kernel_gap import log_sample_overlap as log_sample_overlap
from jaxmem.metrics.sample_kernel_gap import sample_kernel_gap as sample_kernel_gap
from jaxmem.metrics.score_error import NoiseAverage as NoiseAverage
from jaxmem.metrics.score_error import gauss_hermite as gauss_hermite
from jaxmem.metrics.score_error import mean_squared_gap as mean_squared_gap
from jaxmem.metrics.score_error import monte_carlo as monte_carlo
from jaxmem.metrics.score_error import semi_empirical_risk as semi_empirical_risk
from jaxmem.metrics.sharpness import Sharpness as Sharpness
from jaxmem.metrics.sharpness import sharpness as sharpness
from jaxmem.metrics.sliced_wasserstein import sliced_wasserstein as sliced_wasserstein
