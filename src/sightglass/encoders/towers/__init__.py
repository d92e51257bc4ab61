"""The two towers of a student, and the file that they are kept in."""
