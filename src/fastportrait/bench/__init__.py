"""Measuring what networks cost."""
