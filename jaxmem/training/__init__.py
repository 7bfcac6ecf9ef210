"""One compiled step loop that trains a batch (floor 2)."""
