"""The command line. Thin: it parses, calls, prints, and turns errors into exit codes."""

from rampgate.cli.main import main

__all__ = ["main"]
