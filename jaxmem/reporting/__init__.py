"""Stores, and one's own samples, as pages that open anywhere (floor 4); needs the extra `report`."""

from jaxmem.reporting.measured import report_measurement as report_measurement
from jaxmem.reporting.page import report as report
