"""What stands between the sync and a source: time limit, isolation, circuit breaker."""
