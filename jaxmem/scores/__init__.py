"""What is fitted (floor 1): closed-form and trainable score models, one file a family."""
