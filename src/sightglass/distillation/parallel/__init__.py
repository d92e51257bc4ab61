"""One batch in parts and over processes, with the whole batch's gradient."""
