"""What a reader sees of measurements: overlays of one model, a page that compares several, and plots."""

from .overlays import Page, found, wrong

__all__ = ["Page", "found", "wrong"]
