"""Exact predictions in float64, with nothing but NumPy and SciPy (floor 1): one result a file, sources cited.

γ = n/d is the load, Σ the population's covariance, Σ̂ = XᵀX/n that of n samples (known mean), ρ a ridge.
Functions take scalars or arrays that broadcast and return float64 of the broadcast shape. Limits n, d → ∞ are
named after the order parameter, take the load, and have a partner `…_from_spectrum` for any Σ; exact means
at finite n, d begin with `expected_`. With an estimated mean Σ̂ is (n − 1)/n times that of n − 1 samples: put
n − 1 for n in q and Q.
"""

from jaxmem.theory.bures import bures_from_spectrum as bures_from_spectrum
from jaxmem.theory.bures import bures_per_dimension as bures_per_dimension
from jaxmem.theory.collapse import collapse_time as collapse_time
from jaxmem.theory.collapse import condensed_share as condensed_share
from jaxmem.theory.convergence import convergence as convergence
from jaxmem.theory.convergence import convergence_from_spectrum as convergence_from_spectrum
from jaxmem.theory.convergence import half_moment as half_moment
from jaxmem.theory.convergence import large_sample_convergence as large_sample_convergence
from jaxmem.theory.denoiser_agreement import DenoiserAgreement as DenoiserAgreement
from jaxmem.theory.denoiser_agreement import denoiser_agreement as denoiser_agreement
from jaxmem.theory.depth_limit import initial_polyak_lojasiewicz as initial_polyak_lojasiewicz
from jaxmem.theory.depth_limit import linear_block_invariant as linear_block_invariant
from jaxmem.theory.depth_limit import relu_counter_example as relu_counter_example
from jaxmem.theory.depth_limit import whitened_flow as whitened_flow
from jaxmem.theory.deterministic_equivalent import effective_ridge as effective_ridge
from jaxmem.theory.deterministic_equivalent import root_equivalent as root_equivalent
from jaxmem.theory.eigenvector_overlaps import latent_recovery_from_spectrum as latent_recovery_from_spectrum
from jaxmem.theory.eigenvector_overlaps import (
    subspace_recovery_from_spectrum as subspace_recovery_from_spectrum,
)
from jaxmem.theory.equivariant_convergence import BlockSpectrum as BlockSpectrum
from jaxmem.theory.equivariant_convergence import block_convergence as block_convergence
from jaxmem.theory.equivariant_convergence import block_spectrum as block_spectrum
from jaxmem.theory.equivariant_convergence import equivariant_convergence as equivariant_convergence
from jaxmem.theory.equivariant_convergence import field_convergence as field_convergence
from jaxmem.theory.equivariant_convergence import field_recovery as field_recovery
from jaxmem.theory.hellinger import log_affinity_from_spectrum as log_affinity_from_spectrum
from jaxmem.theory.kullback_leibler import KullbackLeibler as KullbackLeibler
from jaxmem.theory.kullback_leibler import expected_kl as expected_kl
from jaxmem.theory.kullback_leibler import expected_kl_from_spectrum as expected_kl_from_spectrum
from jaxmem.theory.latent_recovery import latent_recovery as latent_recovery
from jaxmem.theory.latent_recovery import recovery_size as recovery_size
from jaxmem.theory.latent_recovery import recovery_threshold as recovery_threshold
from jaxmem.theory.latent_recovery import spiked_eigenvalue as spiked_eigenvalue
from jaxmem.theory.marchenko_pastur import Edges as Edges
from jaxmem.theory.marchenko_pastur import marchenko_pastur_average as marchenko_pastur_average
from jaxmem.theory.marchenko_pastur import marchenko_pastur_density as marchenko_pastur_density
from jaxmem.theory.marchenko_pastur import marchenko_pastur_edges as marchenko_pastur_edges
from jaxmem.theory.marchenko_pastur import marchenko_pastur_log_moment as marchenko_pastur_log_moment
from jaxmem.theory.marchenko_pastur import marchenko_pastur_moment as marchenko_pastur_moment
from jaxmem.theory.memorisation import leading_memorisation as leading_memorisation
from jaxmem.theory.memorisation import memorisation as memorisation
from jaxmem.theory.operator_norm import expected_operator_norm as expected_operator_norm
from jaxmem.theory.operator_norm import operator_norm as operator_norm
from jaxmem.theory.operator_norm import operator_norm_from_spectrum as operator_norm_from_spectrum
from jaxmem.theory.power_law import power_law_gap as power_law_gap
from jaxmem.theory.power_law import power_law_marginal as power_law_marginal
from jaxmem.theory.power_law import power_law_onset as power_law_onset
from jaxmem.theory.regularity import noised_weight as noised_weight
from jaxmem.theory.regularity import regularity_weight as regularity_weight
from jaxmem.theory.regularity import score_roughness_bound as score_roughness_bound
from jaxmem.theory.reverse_steps import reverse_step_bures as reverse_step_bures
from jaxmem.theory.reverse_steps import reverse_step_variance as reverse_step_variance
from jaxmem.theory.sample_modes import sample_mode_rate as sample_mode_rate
from jaxmem.theory.stability import largest_stable_sharpness as largest_stable_sharpness
from jaxmem.theory.stability import smallest_sharpness as smallest_sharpness
from jaxmem.theory.stability import stable_roughness_bound as stable_roughness_bound
from jaxmem.theory.wiener import blind_wiener as blind_wiener
from jaxmem.theory.wiener import noise_log_posterior as noise_log_posterior
from jaxmem.theory.wiener import wiener_error as wiener_error
from jaxmem.theory.wiener import wiener_gain as wiener_gain
from jaxmem.theory.wishart import expected_log_determinant as expected_log_determinant
from jaxmem.theory.wishart import expected_squared_frobenius as expected_squared_frobenius
