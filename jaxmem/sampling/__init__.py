"""From a score to samples (floor 2): differential-equation samplers and exact Gaussian propagation."""

from jaxmem.sampling.ancestral import ancestral as ancestral
from jaxmem.sampling.ancestral import diffusion_times as diffusion_times
from jaxmem.sampling.denoising_implicit import denoising_implicit as denoising_implicit
from jaxmem.sampling.gaussian_law import Response as Response
from jaxmem.sampling.gaussian_law import continuum_response as continuum_response
from jaxmem.sampling.gaussian_law import propagated_law as propagated_law
from jaxmem.sampling.gaussian_law import step_response as step_response
from jaxmem.sampling.heun import heun as heun
from jaxmem.sampling.noise_path import Schedule as Schedule
from jaxmem.sampling.reverse_process import probability_flow as probability_flow
from jaxmem.sampling.reverse_process import reverse_sde as reverse_sde
from jaxmem.sampling.reverse_process import sample_reverse_process as sample_reverse_process
from jaxmem.sampling.reverse_process import time_grid as time_grid
from jaxmem.sampling.stochastic_ascent import stochastic_ascent as stochastic_ascent
