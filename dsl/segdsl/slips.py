"""Slips that are seen by what stands around a name: texts without quotes, names with dashes."""

from __future__ import annotations

import msgspec

from segdsl import syntax
from segdsl.checked import Constant, Expression
from segdsl.context import Context, Scope
from segdsl.diagnostics import closest
from segdsl.names import CLOCK


def quotes(ctx: Context, held: Expression | None, *nodes: syntax.Expression) -> None:
    """Beside a value that is a text, an unknown name that nothing is near is probably a text: its mistake gets that hint."""
    if held is None or isinstance(held, Constant) or held.type.kind != "text" or not ctx.diagnostics or ctx.diagnostics[-1].code != "E201":
        return
    wanted = {node.span: node.parts[0].text for node in nodes if isinstance(node, syntax.Path) and len(node.parts) == 1}
    for at in range(max(0, len(ctx.diagnostics) - len(nodes)), len(ctx.diagnostics)):
        found = ctx.diagnostics[at]
        if found.code == "E201" and found.hint is None and found.span in wanted:
            ctx.diagnostics[at] = msgspec.structs.replace(found, hint=f'a text stands in quotes: "{wanted[found.span]}"')


def dashed(ctx: Context, node: syntax.Arithmetic, scope: Scope) -> bool:
    """Whether `last-login-at`, without blanks and of unknown names alone, is one name written with dashes: told here."""
    names: list[syntax.Name] = []
    rest: syntax.Expression = node
    while isinstance(rest, syntax.Arithmetic) and rest.op == "-" and rest.right.span.start == rest.left.span.end + 1:
        if not isinstance(rest.right, syntax.Path):
            return False
        names += rest.right.parts
        rest = rest.left
    if not names or not isinstance(rest, syntax.Path):
        return False
    names += rest.parts
    fields = ctx.schema.tables[scope.table].fields
    if any(name.text in fields or name.text in ctx.names.statements or name.text in CLOCK for name in names):
        return False
    written = "-".join(name.text for name in reversed(names))
    joined = written.replace("-", "_")
    meant = joined if joined in fields else closest(joined, fields)
    hint = f'did you mean "{meant}"?' if meant else "a name with other characters stands in backquotes: `a-b`"
    ctx.report("E201", node.span, table=scope.table, name=written, hint=hint)
    return True
