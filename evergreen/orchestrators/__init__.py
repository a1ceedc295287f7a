"""Orchestrators: each runs the compiled pipeline somewhere. They plug in by entry point.

Whatever compiles or runs nodes comes by here before it imports TFX.
"""

from evergreen import deferred_imports, safe_pickle

deferred_imports.install()
safe_pickle.install()
