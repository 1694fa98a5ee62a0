"""Measure where the time goes; timings never gate tests."""
