"""Sufficient statistics: what metrics need, the one query, cells, counts and moments and their merging."""
