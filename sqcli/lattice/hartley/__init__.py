"""Real Fourier transform of a periodic field in compiled kernels."""
