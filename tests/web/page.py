"""Reads a page as a browser and a screen reader would: language, landmarks, headings, links, and what it loads."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

LOADS = {"img": "src", "script": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}


class Page(HTMLParser):
    """One parsed page."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.html = response.content.decode()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def text(self) -> str:
        """Everything a reader sees, in one line."""
        return " ".join("".join(self._words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such element."""
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def loads(self) -> list[str | None]:
        """Every address that a browser would fetch by itself."""
        return [attrs.get(LOADS[tag]) for tag, attrs in self.tags if tag in LOADS]

    @property
    def links(self) -> list[str | None]:
        """Where its links lead."""
        return [attrs.get("href") for attrs in self.all("a")]

    def check(self) -> None:
        """What every page keeps: one main, one h1, a language, our one stylesheet, no script, no inline style."""
        assert len(self.all("main")) == 1
        assert len(self.all("h1")) == 1
        assert self.all("html")[0].get("lang") in {"en", "es"}
        assert self.loads == ["/static/aftercare/aftercare.css"]
        assert not self.all("script")
        assert not self.all("style")
        assert not [tag for tag, attrs in self.tags if "style" in attrs or any(name.startswith("on") for name in attrs)]
