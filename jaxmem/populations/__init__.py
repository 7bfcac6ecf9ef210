"""Where data come from (floor 0): populations with sampling, moments, log density and exact scores."""
