"""Worker processes for Beam's runners on other machines."""
