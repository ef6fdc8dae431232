"""Analysis of ensembles: estimates, autocorrelations, and whether an ensemble is right."""
