"""How data are noised (floor 0): levels (μ, σ), and schedules of them to train and to sample by."""

from jaxmem.noising.levels import NoiseLevel as NoiseLevel
from jaxmem.noising.levels import add_noise as add_noise
from jaxmem.noising.levels import denoiser_from_score as denoiser_from_score
from jaxmem.noising.levels import ornstein_uhlenbeck as ornstein_uhlenbeck
from jaxmem.noising.levels import score_from_denoiser as score_from_denoiser
from jaxmem.noising.levels import time_at_noise as time_at_noise
from jaxmem.noising.levels import time_at_ratio as time_at_ratio
from jaxmem.noising.levels import time_at_signal as time_at_signal
from jaxmem.noising.schedules import BetaChain as BetaChain
from jaxmem.noising.schedules import DrawnLevels as DrawnLevels
from jaxmem.noising.schedules import NoiseSchedule as NoiseSchedule
from jaxmem.noising.schedules import OrnsteinUhlenbeckLevels as OrnsteinUhlenbeckLevels
from jaxmem.noising.schedules import SingleLevel as SingleLevel
from jaxmem.noising.schedules import StraightPath as StraightPath
from jaxmem.noising.schedules import UniformNoise as UniformNoise
