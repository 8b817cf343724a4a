"""Our HTTP client against local servers."""
