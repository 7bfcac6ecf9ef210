"""Exact predictions in float64, with nothing but NumPy and SciPy (floor 1): one result a file, its source cited."""
