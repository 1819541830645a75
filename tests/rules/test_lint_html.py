"""What a mail or a care page may not load, run or follow (rule 39)."""

from __future__ import annotations

import pytest

from worker.rules.lint import lint_html


def rules(findings) -> set[int]:
    return {finding.rule for finding in findings}


LOADS = [
    *(
        '<img src="https://x.example/p.gif">',
        '<img src="//x.example/p">',
        '<img src="{{ logo }}">',
        '<img srcset="a.png 2x">',
    ),
    *("<script>1</script>", '<link rel="stylesheet" href="https://fonts.example/c">', '<iframe src="x"></iframe>'),
    *('<body background="x.png">', '<td style="background:url(https://x.example/p)">', "<style>@import 'x';</style>"),
    *("<style>p{background:URL (x)}</style>", '<video poster="x"></video>', '<svg><image xlink:href="x"/></svg>'),
    *('<svg><image href="x"/></svg>', '<p onclick="x()">', '<form action="x"></form>', '<base href="x">'),
    *('<meta http-equiv="refresh" content="0;url=x">', '<a href="https://clinic.example" ping="x">y</a>'),
    *(
        '<a href="http://clinic.example">y</a>',
        '<a href="https://click.example/r">y</a>',
        '<a href="javascript:x">y</a>',
    ),
    *('<a href="{{ care_url }}.evil.example">y</a>', '<a href="https://[">y</a>', '<object data="x"></object>'),
    *('<!--[if mso]><img src="https://x.example/p"><![endif]-->', '<input type="image" src="x">', "<IMG SRC=x>"),
]


@pytest.mark.parametrize("html", LOADS)
def test_everything_that_loads_runs_or_tracks_is_found(html):
    """Rule 39: no pixel, no redirect, no font, no script."""
    assert rules(lint_html(f"<html><body>{html}</body></html>", "email", own_hosts=["clinic.example"])) == {39}


@pytest.mark.parametrize(
    "html",
    [
        *(
            '<a href="{{ care_url }}">x</a>',
            '<a href="https://clinic.example/c">x</a>',
            '<a href="tel:+14155552671">x</a>',
        ),
        *(
            '<a href="mailto:a@b.example">x</a>',
            '<a href="#top">x</a>',
            '<img src="cid:logo">',
            "<style>p{color:red}</style>",
        ),
        *(
            '<img src="data:image/png;base64,AA==">',
            '<p style="color:red">url(x)</p>',
            "<!-- a comment -->",
            "<p>a < b",
        ),
    ],
)
def test_a_quiet_page_passes(html):
    """Rule 39: own links, inline pictures and inline style load nothing."""
    assert lint_html(html, "email", own_hosts=["www.clinic.example"]) == ()
