"""Training in time (floor 2): one compiled step loop for a batch of any score, and exact trajectories."""

from jaxmem.training.blind_denoising import BlindDenoising as BlindDenoising
from jaxmem.training.denoising_score_matching import DenoisingScoreMatching as DenoisingScoreMatching
from jaxmem.training.long_run import train as train
from jaxmem.training.problem import Training as Training
from jaxmem.training.random_feature_flow import FeatureMoments as FeatureMoments
from jaxmem.training.random_feature_flow import RandomFeatureFlow as RandomFeatureFlow
from jaxmem.training.random_feature_flow import descent_readout as descent_readout
from jaxmem.training.random_feature_flow import feature_moments as feature_moments
from jaxmem.training.random_feature_flow import flow_readout as flow_readout
from jaxmem.training.random_feature_flow import gradient_flow as gradient_flow
from jaxmem.training.random_feature_flow import quadratic_loss as quadratic_loss
from jaxmem.training.random_feature_flow import sample_mode_rate as sample_mode_rate
from jaxmem.training.random_feature_flow import with_readout as with_readout
from jaxmem.training.regression import Regression as Regression
from jaxmem.training.state import TrainingState as TrainingState
from jaxmem.training.state import averaged_model as averaged_model
from jaxmem.training.state import load_state as load_state
from jaxmem.training.state import save_state as save_state
from jaxmem.training.state import start_training as start_training
from jaxmem.training.step_keys import StepKeys as StepKeys
from jaxmem.training.steps import Trajectory as Trajectory
from jaxmem.training.steps import advance as advance
from jaxmem.training.steps import advance_batch as advance_batch
from jaxmem.training.steps import log_spaced_steps as log_spaced_steps
from jaxmem.training.steps import train_trajectory as train_trajectory
from jaxmem.training.steps import trained_arrays as trained_arrays
