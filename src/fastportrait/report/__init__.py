"""What a reader sees of measurements: overlays of one model, a page that compares several, and plots."""

from .comparison import compare, hard, headline_words
from .overlays import Page, found, wrong
from .page import page, sections

__all__ = ["Page", "compare", "found", "hard", "headline_words", "page", "sections", "wrong"]
