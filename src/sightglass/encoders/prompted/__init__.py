"""A CLIP checkpoint with learned prompts: the towers opened, and the five ways to prompt them."""
