"""Score networks, one file each: a frozen dataclass of sizes that builds the network."""
