"""Models: their design, their network with fitted statistics, and their files."""
