"""What the commands do, as Python functions: generate, measure, autocorr, verify."""
