"""What stands around the app: running without a screen, and reading what people hand in."""
