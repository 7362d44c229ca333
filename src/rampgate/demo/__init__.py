"""The story on real tickets, shipped with the package."""
