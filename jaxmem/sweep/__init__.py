"""Grid, batching, store, resume (floor 3): runs any study everywhere and knows nothing of diffusion."""
