"""What a text tower learns from: texts, teachers of texts, and their joint space."""
