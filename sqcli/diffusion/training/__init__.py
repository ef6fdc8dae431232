"""Training of a model: batches, steps, validation, checkpoints, several processes."""
