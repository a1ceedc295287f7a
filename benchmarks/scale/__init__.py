"""The same trips in sizes from ten thousand rows to fifteen million: how time and memory grow."""
