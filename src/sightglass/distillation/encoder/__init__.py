"""Training of an encoder from pairs and teachers (method C), as a recipe asks for it."""
