"""What the commands that write do: ensembles generated and sampled, models trained, both shown and exported."""
