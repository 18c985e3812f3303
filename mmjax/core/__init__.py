"""What every other folder speaks: tokens, means, tasks, partitions, configs and parameter paths."""
