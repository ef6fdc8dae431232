"""Links of gauge theories under Brownian motion on their group: noise, heat kernels, paths, losses."""
