"""Where the examples come from: one package a data set."""
