"""The sync itself: a run, a company, a source's step."""
