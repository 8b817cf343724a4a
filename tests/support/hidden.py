"""Characters that nobody sees, and that move a cursor, end a line, or turn the direction of reading."""

C0 = "".join(map(chr, range(0x20)))
C1 = "".join(map(chr, range(0x7F, 0xA0)))
DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HIDDEN = C0 + C1 + DIRECTIONS + "\u2028\u2029\u200b\ufeff"


def hidden_in(text, *, but=""):
    """Those of them that are in the text."""
    return sorted(set(text) & set(HIDDEN) - set(but))
