"""Outcomes become tables, charts and files."""
