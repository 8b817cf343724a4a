"""What people are shown of the fleet, prepared once: for the terminal (`screen`), for the page (`page`), as JSON."""
