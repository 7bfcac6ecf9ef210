"""One file a question (floor 3): the floors below composed into one replicate, its axes and variables."""
