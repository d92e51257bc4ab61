"""Pictures with captions or labels to learn from: where they lie, their order, their batches."""
