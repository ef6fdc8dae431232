"""Samplers, one file each: how configurations are drawn from a trained model."""
