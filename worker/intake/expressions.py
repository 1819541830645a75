"""What a message template may say: plain ``{{ name }}`` and ``{% if name %}`` ... ``{% endif %}``, nothing else.

The sandbox would stop an attack at send time; this stops it before a practitioner is asked to read it (rule 40).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, TemplateSyntaxError, nodes

from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 3
_PARSER = Environment(autoescape=False)  # noqa: S701 - parses only; nothing is ever rendered by this one
_MEND = "use only {{ name }} and {% if name %} ... {% endif %}"


def expression_faults(template: str, names: frozenset[str], field: str) -> Iterator[Refusal]:
    """Everything in `template` that is not plain text or one of the `names` (rule 40).

    Args:
        template: the Jinja2 source of one text.
        names: the variables this text may use.
        field: the file, for the refusals.
    """
    try:
        parsed = _PARSER.parse(template)
    except TemplateSyntaxError as error:
        yield Refusal(field, f"is not a readable template (line {error.lineno})", _MEND)
    except RecursionError:
        yield Refusal(field, "nests too deep", f"nest at most {DEEPEST} conditions")
    except ValueError:  # what Python says to a number of 5,000 digits
        yield Refusal(field, "has an expression that is not plain", _MEND)
    else:
        yield from _block_faults(parsed.body, names, field)


def _block_faults(body: list[nodes.Node], names: frozenset[str], field: str) -> Iterator[Refusal]:
    # A list instead of recursion: a hostile file may nest as deep as it is long.
    waiting = [(node, 0) for node in reversed(body)]
    while waiting:
        node, depth = waiting.pop()
        yield from _node_faults(node, names, field)
        deeper = depth + isinstance(node, nodes.If)
        if deeper > DEEPEST:
            yield Refusal(field, f"nests too deep (line {node.lineno})", f"nest at most {DEEPEST} conditions")
            continue
        waiting += [(inner, deeper) for inner in reversed(_inside(node))]


def _inside(node: nodes.Node) -> list[nodes.Node]:
    """What is looked at in its turn; an unknown node holds nothing and is refused whole."""
    if isinstance(node, nodes.Output):
        return list(node.nodes)
    if isinstance(node, nodes.If) and not node.elif_ and not node.else_:
        return [node.test, *node.body]
    return []


def _node_faults(node: nodes.Node, names: frozenset[str], field: str) -> Iterator[Refusal]:
    line = f"(line {node.lineno})"
    if isinstance(node, nodes.Name):
        if node.name not in names:
            yield Refusal(field, f"uses a name it may not use {line}", f"it may use {', '.join(sorted(names))}")
    elif isinstance(node, nodes.TemplateData):
        if "{" in node.data or "}" in node.data:  # "{ clinic_phone }" would be sent as it stands
            yield Refusal(field, f"has a single brace in its words {line}", _MEND)
    elif not _inside(node):
        yield Refusal(field, f"has an expression that is not plain {line}", _MEND)
