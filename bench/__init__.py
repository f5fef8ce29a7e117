"""Measurements, side by side with a limit where there is one. Never part of a test's pass or fail."""
