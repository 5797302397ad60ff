"""Intervals, significance tests, rank groups and correlation: functions of arrays alone."""
