"""What the site adds to the pages: files beside docs/ that they link to, links to public names, and a watch on requests.

Links are written for a code host, relative to the file that they stand in; here they are turned to where the site has it.
"""

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import fmcsa_orchestrator

DOCS = Path(__file__).parent
ROOT = DOCS.parent
BESIDE = "project"  # the folder of the site for what is not in docs/
PUBLISHED = ("*.md", "LICENSE", "examples/**/*")

_LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")
_NAME = re.compile(rf"(?<!\[)`({'|'.join(fmcsa_orchestrator.__all__)})(\(\))?`(?!\])")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "form": "action"}
_REMOTE = re.compile(r"^(https?:)?//")
_REMOTE_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//")


@event_priority(100)
def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the published files beside docs/: Markdown as it is, anything else as a page that shows it."""
    for path in published():
        files.append(File.generated(config, uri_of(path), content=_as_markdown(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Turn links, and link public names, but not within code."""
    parts = _FENCE.split(markdown)
    parts[::2] = [_linked(turned(part, page.file.src_uri), page.file.src_uri) for part in parts[::2]]
    return "".join(parts)


def on_post_build(*, config: MkDocsConfig) -> None:
    """Refuse a site that asks other hosts for anything."""
    site = Path(config.site_dir)
    texts = {path: path.read_text("utf-8") for pattern in ("*.html", "*.css") for path in sorted(site.rglob(pattern))}
    faults = [f"{path.relative_to(site)}: {url}" for path, text in texts.items() for url in remote(text)]
    if faults:
        raise PluginError("the site would load from other hosts:\n" + "\n".join(faults))


def published() -> list[Path]:
    """The files beside docs/ that have a page."""
    found = {path for pattern in PUBLISHED for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "__pycache__" not in path.parts)


def uri_of(path: Path) -> str:
    """Where the site has this file of the checkout."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    uri = f"{BESIDE}/{path.relative_to(ROOT).as_posix()}"
    return uri if path.suffix == ".md" else f"{uri}.md"


def turned(markdown: str, uri: str) -> str:
    """The text with each relative link leading to where the site has its target."""
    own = DOCS / uri if not uri.startswith(f"{BESIDE}/") else ROOT / uri.removeprefix(f"{BESIDE}/")

    def turn(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(own.parent / match[2]))
        if not target.is_file() or not target.is_relative_to(ROOT):
            return match[0]  # MkDocs warns of it
        return f"{match[1]}{relpath(uri_of(target), dirname(uri))}{match[3] or ''}{match[4]}"

    return _LINK.sub(turn, markdown)


def remote(html: str) -> Iterator[str]:
    """What a page, or a style sheet, would load from other hosts."""
    loads = _Loads()
    loads.feed(html)
    yield from (url for url in loads.urls if _REMOTE.match(url))
    yield from _REMOTE_STYLE.findall(html)


class _Loads(HTMLParser):
    """Collects what a browser loads, or sends to, of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = dict(attrs).get(_LOADING.get(tag, ""))
        if url is not None:
            self.urls.append(url)


def _as_markdown(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    return f"# {path.name}\n\n```{path.suffix.removeprefix('.').replace('py', 'python')}\n{text}```\n"


def _linked(markdown: str, uri: str) -> str:
    if uri.startswith(BESIDE):
        return markdown
    return "\n".join(line if line.startswith("#") else _NAME.sub(_link, line) for line in markdown.split("\n"))


def _link(match: re.Match[str]) -> str:
    return f"[`{match[1]}{match[2] or ''}`][fmcsa_orchestrator.{match[1]}]"
