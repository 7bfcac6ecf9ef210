"""From raw replicates to probabilities, means, intervals and transition points (floor 1)."""

from jaxmem.statistics.curve_collapse import CurveCollapse as CurveCollapse
from jaxmem.statistics.curve_collapse import curve_collapse as curve_collapse
from jaxmem.statistics.excess_test import detectable_excess as detectable_excess
from jaxmem.statistics.excess_test import excess_p_value as excess_p_value
from jaxmem.statistics.exchange_test import exchange_p_value as exchange_p_value
from jaxmem.statistics.exchange_test import exchanged_labels as exchanged_labels
from jaxmem.statistics.exchange_test import influence_interval as influence_interval
from jaxmem.statistics.exchange_test import permuted_mean_differences as permuted_mean_differences
from jaxmem.statistics.intervals import Interval as Interval
from jaxmem.statistics.intervals import Mean as Mean
from jaxmem.statistics.intervals import Median as Median
from jaxmem.statistics.intervals import mean_and_standard_error as mean_and_standard_error
from jaxmem.statistics.intervals import median_and_interval as median_and_interval
from jaxmem.statistics.intervals import wilson_interval as wilson_interval
from jaxmem.statistics.monotone import is_monotone as is_monotone
from jaxmem.statistics.power_law import PowerLaw as PowerLaw
from jaxmem.statistics.power_law import finite_size_scaling as finite_size_scaling
from jaxmem.statistics.power_law import power_law_exponent as power_law_exponent
from jaxmem.statistics.proportions import clopper_pearson_upper as clopper_pearson_upper
from jaxmem.statistics.proportions import proportion_difference_interval as proportion_difference_interval
from jaxmem.statistics.summary import summarise as summarise
from jaxmem.statistics.summary import summary_kind as summary_kind
from jaxmem.statistics.summary import summary_names as summary_names
from jaxmem.statistics.table import summary_table as summary_table
from jaxmem.statistics.transition import transition as transition
