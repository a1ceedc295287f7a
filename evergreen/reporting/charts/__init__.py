"""The charts of the report, a module a family: SVG that takes its colours from the page.

They are drawn for a width at which a phone shows them at their own size; a wider page enlarges
them a little.
"""
