"""Optimisation assembled from config by parameter path: rules, schedules, groups, the average."""
