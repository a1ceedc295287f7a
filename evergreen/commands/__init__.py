"""The sub-commands, a module each. They import what they need when they run."""
