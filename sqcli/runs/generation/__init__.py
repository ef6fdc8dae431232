"""Generate: what determines a run of an algorithm, a chain of it, and the chains of one owner."""
