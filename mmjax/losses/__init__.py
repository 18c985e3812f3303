"""Pure losses: per-element values in fp32; a task sums them into Means."""
