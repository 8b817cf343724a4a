"""The elements of a page of ours, and that its tags match."""

from html.parser import HTMLParser

VOID = {"meta"}
CELLS, ROWS = {"td", "th"}, {"td", "th", "tr"}
IMPLIED = {"td": CELLS, "th": CELLS, "tr": ROWS, "tbody": {*ROWS, "thead"}, "/table": {*ROWS, "tbody"}}
IMPLIED |= {name: {"dt", "dd"} for name in ("dt", "dd", "/dl")}


class Parsed(HTMLParser):
    """Elements in order, with attributes and text; raises where tags do not match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.end_implied(tag)
        self.elements.append((tag, dict(attributes), []))
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def end_implied(self, tag):
        """End what HTML lets one leave open, before this tag."""
        while self.open and self.open[-1][0] in IMPLIED.get(tag, ()):
            self.open.pop()

    def handle_endtag(self, tag):
        self.end_implied("/" + tag)
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, _, texts in self.open:
            texts.append(data)

    def all(self, *tags):
        return [found for found in self.elements if found[0] in tags]

    def texts(self, *tags):
        return ["".join(texts) for _, _, texts in self.all(*tags)]
