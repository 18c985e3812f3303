"""Building blocks: attention, feed-forward, blocks, stacks, positions and picture stems."""
