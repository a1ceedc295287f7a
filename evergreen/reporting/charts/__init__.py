"""The charts of the report, one module per family: SVG that takes its colours from the page.

They are drawn at the width of a phone; a wider page enlarges them a little.
"""
