"""What tests share and is not a test: worlds, samples, doubles of failing parts, the soak."""
