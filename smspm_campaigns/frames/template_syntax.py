"""What a template may consist of, and how it becomes one loop over all rows."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from jinja2 import Environment, TemplateSyntaxError, meta, nodes
from jinja2.visitor import NodeTransformer

from smspm_campaigns.exceptions import TemplateInvalid

MAX_SOURCE: Final = 50_000  # characters of a template

#: Filters of the sandbox itself, under names that no template can write.
TURNS: Final = ".turns"  # counts the turns of a loop
JOINED: Final = ".joined"  # joins what `~` joins
WEIGHED: Final = ".weighed"  # counts what is compared or listed, and refuses a list in a list
TEXT: Final = ".text"  # the text of a row, when it is put together

#: What a template may consist of. Whatever can call itself is out.
_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign,
    nodes.AssignBlock, nodes.FilterBlock, nodes.With, nodes.Const, nodes.Name, nodes.List,
    nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.CondExpr, nodes.Filter, nodes.Test,
    nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat, nodes.Compare,
    nodes.Operand, nodes.BinExpr, nodes.UnaryExpr,
)  # fmt: skip
_OTHER_TEMPLATES: Final = (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)

ROWS: Final = "rows"  # in the loop, a column of this name hides it
_DEEPEST: Final = 20  # expressions within each other: compiling takes the cube of it

#: Names that Jinja fills in itself, and what they mean.
_JINJAS_OWN: Final = {"self": "the template itself", "loop": "the loop it stands in"}


def parse(environment: Environment, source: str) -> tuple[nodes.Template, list[str]]:
    """Read a template; return its syntax tree, and its placeholders in alphabetical order.

    Raises:
        TemplateInvalid: it does not parse, or holds what a text does not need.
    """
    if len(source) > MAX_SOURCE:
        raise TemplateInvalid(
            f"The template has {len(source):,} characters, and {MAX_SOURCE:,} are the most."
        )
    try:
        tree = environment.parse(source)
        _check(tree)
        names = meta.find_undeclared_variables(environment.parse(source))  # it changes its tree
    except TemplateSyntaxError as error:
        raise TemplateInvalid(
            f"The template does not parse: line {error.lineno}: {_why(error, environment)}."
        ) from None
    except TemplateInvalid:
        raise
    except RecursionError:
        raise TemplateInvalid("The template does not parse: it is nested too deep.") from None
    except ValueError as error:  # a number of thousands of digits
        raise TemplateInvalid(f"The template does not parse: {error}.") from None
    for name in _JINJAS_OWN.keys() & (names | _selves(tree)):
        raise TemplateInvalid(
            f"{{{{ {name} }}}} means {_JINJAS_OWN[name]}. If it is a column, rename it."
        )
    return tree, sorted(names)


def _why(error: TemplateSyntaxError, environment: Environment) -> str:
    why = str(error.message).rstrip(".")
    if why.startswith("expected token 'end of print statement'"):
        return (
            f"{why}. A column with spaces in its name is written with _, as in {{{{ first_name }}}}"
        )
    if not why.startswith("No filter named"):
        return why
    known = sorted(name for name in environment.filters if name.isidentifier())
    return f"{why}. The filters are: {', '.join(known)}"


def _selves(tree: nodes.Template) -> set[str]:
    """Return `self` where it stands: Jinja does not count it among the placeholders."""
    return {name.name for name in tree.find_all(nodes.Name)} & {"self"}


def _check(tree: nodes.Template) -> None:
    for node in _walk(tree):
        if isinstance(node, _OTHER_TEMPLATES):
            raise TemplateInvalid(
                "A template stands alone: it cannot include or extend another one."
            )
        recursive = isinstance(node, nodes.For) and node.recursive
        if recursive or not isinstance(node, _ALLOWED):
            what = "a recursive loop" if recursive else f"'{type(node).__name__.lower()}'"
            raise TemplateInvalid(
                f"Line {node.lineno} of the template has {what}. A text is made with placeholders, "
                "filters, if, for, set and with alone."
            )


def _walk(node: nodes.Node, depth: int = 0) -> Iterator[nodes.Node]:
    depth = depth + 1 if isinstance(node, nodes.Expr) else 0
    if depth > _DEEPEST:
        raise TemplateInvalid(
            f"Line {node.lineno} of the template has more than {_DEEPEST} expressions within each "
            "other. Put a part of it into a variable with set."
        )
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child, depth)


def written_by(tree: nodes.Template, names: Sequence[str]) -> tuple[list[str], str]:
    """Return which of these names a template may write, and all that it may write by itself.

    What is only asked, as in `{% if points > 500 %}`, is not written.
    """
    data, written = [], set()
    for node in _walk_written(tree):
        if isinstance(node, nodes.TemplateData):
            data.append(node.data)
        elif isinstance(node, nodes.Const):
            data.append(str(node.value))
        elif isinstance(node, nodes.Name):
            written.add(node.name)
    return [name for name in names if name in written], "".join(data)


def _walk_written(node: nodes.Node) -> Iterator[nodes.Node]:
    if isinstance(node, (nodes.Compare, nodes.Test)):
        return
    yield node
    asked = ("test", "key") if isinstance(node, (nodes.If, nodes.CondExpr, nodes.Pair)) else ()
    for child in node.iter_child_nodes(exclude=asked):
        yield from _walk_written(child)


def over_rows(tree: nodes.Template, names: Sequence[str]) -> nodes.Template:
    """Put a template into a loop over rows, bounded by the filters of the sandbox.

    The tree is changed.

    Returns:
        A tree that yields one text for each row of its variable `ROWS`: tuples of the values of
        these names, in their order.
    """
    text = nodes.FilterBlock(_Bounded().visit(tree).body, _filter(None, TEXT))
    row = nodes.Tuple([nodes.Name(name, "store") for name in names], "store")
    loop = nodes.For(row, nodes.Name(ROWS, "load"), [text], [], None, False)  # noqa: FBT003
    whole = nodes.Template([loop], lineno=1)
    assert tree.environment is not None  # noqa: S101 - parsed by it
    whole.set_environment(tree.environment)
    return whole


def _filter(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None)


class _Bounded(NodeTransformer):
    """Puts what can grow or go on without end into the hands of the sandbox."""

    def visit_For(self, node: Any) -> Any:  # noqa: N802 - Jinja's way to name them
        node = self.generic_visit(node)
        node.iter = _filter(node.iter, TURNS)
        return node

    def visit_Concat(self, node: Any) -> Any:  # noqa: N802
        node = self.generic_visit(node)
        return _filter(nodes.List(node.nodes), JOINED)

    def visit_Compare(self, node: Any) -> Any:  # noqa: N802
        node = self.generic_visit(node)
        for side in (node, *node.ops):
            if not isinstance(side.expr, nodes.Const):
                side.expr = _filter(side.expr, WEIGHED)
        return node

    def visit_List(self, node: Any) -> Any:  # noqa: N802
        node = self.generic_visit(node)
        return _filter(node, WEIGHED)

    def visit_Tuple(self, node: Any) -> Any:  # noqa: N802
        node = self.generic_visit(node)
        return node if node.ctx == "store" else _filter(node, WEIGHED)

    visit_Dict = visit_List  # noqa: N815
