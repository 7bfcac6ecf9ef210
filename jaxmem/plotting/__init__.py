"""Figures of stores beside the theory (floor 4)."""
