"""A store as one page that opens anywhere (floor 4); needs the extra `report`."""

from jaxmem.reporting.page import report as report
