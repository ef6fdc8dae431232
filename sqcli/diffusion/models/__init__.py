"""A model: its design, its network with fitted statistics, and its files."""
