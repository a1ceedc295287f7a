"""What a run is: its record, its plan, the digests of what decides its result."""
