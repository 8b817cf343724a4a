"""What stands in texts of other people, made fit to be read: whose name is it, after all."""


def printable(text: str) -> str:
    """The text without what could move a cursor, end a line or turn the reading direction; a blank is in its place."""
    return text if text.isprintable() else "".join(character if character.isprintable() else " " for character in text)


def printable_lines(text: str) -> str:
    """The same of a text in lines, which stay apart."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))
