"""The pages: functions from the world and the parsed request to a page."""
