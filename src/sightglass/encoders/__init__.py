"""Stage 2: encoders. The only stage, with distillation, that knows a model library."""
