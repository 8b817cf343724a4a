"""Where companies are and data goes: the protocols, and what a status, a lease and a row's difference are."""
