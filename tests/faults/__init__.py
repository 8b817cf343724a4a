"""The fault matrix: every fault, in every kind of sync, with what is to be seen of it and what is to become of the data."""
