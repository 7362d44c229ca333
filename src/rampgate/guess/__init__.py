"""From a table to a proposed policy: which column is what, why, and the flag that changes it."""

from rampgate.guess.propose import guess
from rampgate.guess.values import Given, Guess, Note

__all__ = ["Given", "Guess", "Note", "guess"]
