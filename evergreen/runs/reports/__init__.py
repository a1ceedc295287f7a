"""The reports of the gates, as types: nobody parses a sentence for a number."""
