"""From a score to samples (floor 2): differential-equation samplers and exact Gaussian propagation."""
