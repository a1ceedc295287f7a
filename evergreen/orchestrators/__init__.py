"""Orchestrators, which run the compiled pipeline somewhere. They plug in by entry point.

All code that compiles or runs nodes imports this package before TFX.
"""

from evergreen import deferred_imports, safe_pickle

deferred_imports.install()
safe_pickle.install()
