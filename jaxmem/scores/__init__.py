"""What is fitted (floor 1): closed-form and trainable score models, one file a family."""

from jaxmem.scores.one_step_denoiser import OneStepDenoiser as OneStepDenoiser
from jaxmem.scores.one_step_denoiser import denoise as denoise
from jaxmem.scores.one_step_denoiser import denoiser_capacity as denoiser_capacity
from jaxmem.scores.one_step_denoiser import fit_one_step_denoiser as fit_one_step_denoiser
from jaxmem.scores.one_step_denoiser import generate as generate
from jaxmem.scores.one_step_denoiser import generated_law as generated_law
