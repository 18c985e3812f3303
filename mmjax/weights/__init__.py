"""Public checkpoints as mmjax parameters: readers of files, and what their keys are called here. NumPy only."""
