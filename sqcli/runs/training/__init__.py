"""Train: what is asked for, the ensembles as training data, and whether they can be trained on."""
