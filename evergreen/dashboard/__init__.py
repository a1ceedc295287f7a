"""The dashboard: server-rendered pages of what serves, what ran, what was noticed, and why."""
