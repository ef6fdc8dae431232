"""Diffusion of the plaquettes of two-dimensional U(1), its charge drawn first: lift, paths, densities, losses."""
