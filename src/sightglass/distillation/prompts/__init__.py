"""Training of prompts (method B): what is asked for, made ready, trained and written."""
