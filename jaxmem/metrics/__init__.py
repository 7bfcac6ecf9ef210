"""Order parameters and distances (floor 1): pure functions of samples, moments or models."""
