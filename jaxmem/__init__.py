"""Memorisation and generalisation in generative models: batched simulation beside the exact theory."""
