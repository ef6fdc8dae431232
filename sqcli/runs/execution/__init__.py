"""How any run is carried out: workers, progress, limits of time and memory, going on, where it came from."""
