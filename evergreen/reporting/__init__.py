"""A page about each run: one complete HTML file, readable without a network."""

from evergreen.reporting.publication import report_path, write_report

__all__ = ["report_path", "write_report"]
