"""Losses and the targets they compare with, one idea per file."""
