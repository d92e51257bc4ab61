"""The evaluation of Yin & Jiang 2024, rerun: every table and figure of theirs as one of ours."""
