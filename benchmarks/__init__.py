"""Measurements of returnflow, each beside its floor in the same run: ``python -m benchmarks``."""
