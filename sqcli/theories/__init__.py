"""Lattice theories, one file each: action, drift, manifold, exact references. No algorithm is known here."""
