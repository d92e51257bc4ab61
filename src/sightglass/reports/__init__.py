"""Stage 6: reports. What a person or another program reads."""
