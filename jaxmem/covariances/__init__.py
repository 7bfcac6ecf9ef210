"""Covariances with structure (ground): by their leading eigenpairs, or in bidiagonal form."""
