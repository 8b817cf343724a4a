"""The datasets beside the six SMS files, each with how its rows are made: one file for what belongs together."""
