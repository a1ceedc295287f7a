"""What is said of a model's answers: once for gates, monitors, reports and pages."""
