"""Recorded inputs, run again."""
