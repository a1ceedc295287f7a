"""From a request to a run record: which spans, which baseline, which version."""
