"""The wing that makes what classification can use: a class book, and reference pictures."""
