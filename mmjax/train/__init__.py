"""The trainer: state, step, loop, checkpoints and report; it knows no task and no modality."""
