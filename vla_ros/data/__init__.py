"""Bags in and out."""
