"""Frozen teachers of encoders: image networks, pair encoders, distributions over names."""
