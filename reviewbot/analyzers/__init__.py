"""Static analyzers beside the model: which there are, how each is run, and how what it says is read."""
