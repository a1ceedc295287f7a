"""Predicts the probability that the tip of a Chicago taxi trip is more than 20 % of its fare.

TFX finds two functions here by their dotted paths: `models.taxi.preprocessing.preprocessing_fn`
for Transform, and `models.taxi.training.run_fn` for Trainer.
"""
