"""Diffusion models: schedules, networks, objectives and samplers, one file each, and the trainer that joins them."""
