"""The command line: one file a verb. Only these files read configs."""
