"""One reader each; see ``harness.py``."""
