"""The double of the upstream over HTTP."""
