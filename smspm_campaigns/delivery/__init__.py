"""Exact accounting: who was asked for, what came back, and what is not known."""
