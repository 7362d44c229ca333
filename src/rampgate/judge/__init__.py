"""Evidence x phase x history -> Decision. Pure: no clock, no I/O, no random state."""
