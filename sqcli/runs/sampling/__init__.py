"""Sampling: the run of a sampler, tiles of draws, chains of proposals, and the chains of one owner."""
