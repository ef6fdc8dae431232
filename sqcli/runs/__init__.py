"""Runs: ensembles are generated and sampled, models are trained, both are shown and exported."""
