"""What is predicted, with its loss and its scores; a task receives its model."""
