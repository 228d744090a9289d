"""The terminal face: the same words as the library, and no logic of its own."""

from smspm_campaigns.cli.program import cli, main

__all__ = ["cli", "main"]
