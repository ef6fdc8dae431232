"""What the commands that read do: estimates, autocorrelations, and whether an ensemble is right."""
