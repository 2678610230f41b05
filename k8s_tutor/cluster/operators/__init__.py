"""Operators of one's own: how they are written, and how they are installed."""
