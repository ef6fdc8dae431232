"""Generation: the run of an algorithm, a chain of it, and the chains of one owner."""
