"""Baseline against candidate in a table that has no policy yet."""
