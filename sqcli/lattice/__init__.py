"""Periodic lattices: geometry, ghost halos, random numbers and transforms. No theory is known here."""
