"""What starts runs without a person: triggers, the decision, and the controller that acts on it."""
