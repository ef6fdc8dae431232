"""Error analysis for Markov chains: NumPy in, numbers out; no physics."""
