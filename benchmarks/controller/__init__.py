"""The controller: how soon a run starts after its event, and what waiting costs."""
