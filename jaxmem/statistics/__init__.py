"""From raw replicates to probabilities, means, intervals and transition points (floor 1)."""
