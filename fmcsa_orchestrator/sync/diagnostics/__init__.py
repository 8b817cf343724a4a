"""What a sync would cost, whether syncs work, and what to do about what does not."""
