"""How numbers are computed (ground): precision, random streams, padding, linear algebra, sums over data."""
