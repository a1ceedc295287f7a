"""The pages: each module has functions from the world and what was asked to a page."""
