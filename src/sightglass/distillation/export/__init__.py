"""A student as files that need no torch: graphs, weights in fewer bits, a card, and the proof."""
