"""The sources: one file each; importing this package loads none of them."""
