"""The examples as a reader would run them."""
