"""Training: the request, the ensembles as training data, and checks that they can be trained on."""
