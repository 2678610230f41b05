"""Lessons as data: the format, its loader, the player, the proofs, lenses and progress."""
