"""The status as one self-contained web page: no script, no request to anywhere."""
