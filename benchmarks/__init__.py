"""Benchmarks: counts of requests, and ratios within one run. `make bench` prints the tables."""
