"""What upstreams answer, without HTTP."""
