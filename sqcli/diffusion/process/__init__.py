"""Diffusion process of a field with a model: denoiser, noise, paths with their densities, divergences."""
