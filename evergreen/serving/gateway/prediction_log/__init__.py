"""The log of all predictions: taken aside in memory, read and written by a thread of its own."""
