"""What a table that nobody has described is taken to mean, every guess with the flag that changes it."""
