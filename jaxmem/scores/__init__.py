"""What is fitted (floor 1): closed-form and trainable score models, one file a family."""

from jaxmem.scores.empirical_score import LineScore as LineScore
from jaxmem.scores.empirical_score import empirical_score as empirical_score
from jaxmem.scores.empirical_score import empirical_score_on_line as empirical_score_on_line
from jaxmem.scores.linear_gaussian import LinearGaussian as LinearGaussian
from jaxmem.scores.linear_gaussian import fit_linear_gaussian as fit_linear_gaussian
from jaxmem.scores.linear_gaussian import linear_gaussian_capacity as linear_gaussian_capacity
from jaxmem.scores.one_step_denoiser import OneStepDenoiser as OneStepDenoiser
from jaxmem.scores.one_step_denoiser import denoise as denoise
from jaxmem.scores.one_step_denoiser import denoiser_capacity as denoiser_capacity
from jaxmem.scores.one_step_denoiser import fit_one_step_denoiser as fit_one_step_denoiser
from jaxmem.scores.one_step_denoiser import generate as generate
from jaxmem.scores.one_step_denoiser import generated_law as generated_law
from jaxmem.scores.one_step_denoiser import generating_factor as generating_factor
from jaxmem.scores.one_step_denoiser import generating_normals as generating_normals
from jaxmem.scores.predictions import DataPrediction as DataPrediction
from jaxmem.scores.predictions import NoisePrediction as NoisePrediction
from jaxmem.scores.predictions import VelocityPrediction as VelocityPrediction
from jaxmem.scores.random_features import RandomFeatures as RandomFeatures
from jaxmem.scores.residual_mlp import ResidualMLP as ResidualMLP
from jaxmem.scores.score_model import Fixed as Fixed
from jaxmem.scores.score_model import ScoreModel as ScoreModel
from jaxmem.scores.score_model import partition_trainable as partition_trainable
from jaxmem.scores.score_model import scores_at as scores_at
from jaxmem.scores.two_layer_relu import TwoLayerReLU as TwoLayerReLU
