"""What ML Metadata knows: runs, nodes, ingested spans, models and their stages."""
