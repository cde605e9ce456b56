"""From HTML, Markdown and Slack's own marks to the words that the customer wrote."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_LONGEST_HTML: Final = 200_000
_LONGEST_MARKDOWN: Final = 25_000
"""Characters that are looked at; so what is nested ever so deep takes a fraction of a second."""

_MOST_TAGS: Final = 5_000
_MARKS: Final = "[]!*_`<>&\\"
_MOST_MARKS: Final = 2_000
"""Of Markdown in a text."""

_BLOCKS: Final = {"p", "br", "div", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "blockquote", "pre", "hr"}
_WITHOUT_CONTENT: Final = {"script", "style", "head", "title", "template", "noscript"}
_TAG: Final = re.compile(r"</?[a-z0-9]+/?>")
_SPACES: Final = re.compile(r"[ \t\r\f\v]+")

# No HTML of its own: what looks like a tag in Markdown is more often something that a customer typed.
_markdown: Final = MarkdownIt("commonmark", {"html": False})

_SLACK_LINK: Final = re.compile(r"<(?:https?:|mailto:|tel:)[^<>|]*\|([^<>]*)>")
_SLACK_BARE_LINK: Final = re.compile(r"<((?:https?:|mailto:|tel:)[^<>|]*)>")
_SLACK_NAME: Final = re.compile(r"<[@#!][^<>|]*(?:\|([^<>]*))?>")
_SLACK_MARKS: Final = re.compile(r"(?<!\w)([*_~`]{1,3})(?=\S)(.{1,300}?)(?<=\S)\1(?!\w)")


def of_html(source: str) -> str:
    """The words of an HTML fragment or page, one line a block."""
    # The sanitiser takes everything away but the tags that end a line; of those only the bare names are left.
    bounded = "<".join(source[:_LONGEST_HTML].split("<", _MOST_TAGS)[:_MOST_TAGS])
    bare = nh3.clean(bounded, tags=_BLOCKS, attributes={}, clean_content_tags=_WITHOUT_CONTENT)
    return tidy(html.unescape(_TAG.sub("\n", bare)))


def of_markdown(source: str) -> str:
    """The words of a Markdown text."""
    looked_at = source[:_LONGEST_MARKDOWN]
    if sum(looked_at.count(mark) for mark in _MARKS) > _MOST_MARKS:
        # Nobody writes so many: made to be slow to read, so it is left as it stands.
        return tidy(looked_at)
    return tidy("\n".join(_words(_markdown.parse(looked_at))))


def of_slack(source: str) -> str:
    """The words of a Slack message: links and names by their labels, without marks."""
    text = _SLACK_LINK.sub(r"\1", source[:_LONGEST_MARKDOWN])
    text = _SLACK_NAME.sub(lambda found: found[1] or "", _SLACK_BARE_LINK.sub(r"\1", text))
    return tidy(html.unescape(_SLACK_MARKS.sub(r"\2", text)))


def tidy(text: str) -> str:
    """Lines without spaces around them, and none that is empty."""
    # Split and joined: a pattern for spaces about a line's end looks at a run of them once for each of them.
    lines = (line.strip() for line in _SPACES.sub(" ", text).split("\n"))
    return "\n".join(line for line in lines if line)


def _words(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type == "inline":
            yield "".join(_inline(token.children or []))
        elif token.type in ("fence", "code_block"):
            yield token.content


def _inline(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type == "image":
            yield from _inline(token.children or [])
        else:
            yield token.content
