"""Sightglass classifies images by name alone."""

__version__ = "0.1.0"
