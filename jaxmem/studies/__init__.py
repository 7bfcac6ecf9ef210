"""One file a question (floor 3): composes the floors below into one replicate, and says its axes and variables."""
