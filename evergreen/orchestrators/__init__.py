"""Orchestrators: each runs the compiled pipeline somewhere. They plug in by entry point.

Whatever compiles or runs nodes comes by here before it imports TFX.
"""

from evergreen import deferring, unpickling

deferring.install()
unpickling.install()
