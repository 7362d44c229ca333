"""How long looks take beside what others need for the same: `make bench`."""
