"""The dashboard: server-rendered pages about serving, runs, monitoring and triggers."""
