"""Results and embeddings in the forms that other tools read; one file per tool."""
