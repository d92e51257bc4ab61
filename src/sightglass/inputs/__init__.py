"""Stage 1: what the person brings. Pictures, class names, prompts."""
