"""The vocabulary: companies, results, events, errors, documents. No I/O, and no import of any other room."""
