"""Expressions for labels, such as `arr_delay > 15`: parsed and checked, never executed as Python.

They have comparisons, arithmetic, `and`, `or`, `not`, and `in` with a list of constants, on columns
and constants. A column whose name is not a Python name stands in backticks.
"""

import ast
import operator
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from evergreen.errors import SettingsError, closest

Type = Literal["number", "text", "truth"]
BOUND = "BOUND"
LARGEST = 1e18
MOST = 500
"""The longest expression, in characters."""
QUOTED = re.compile(r"`([^`]+)`")
PLACEHOLDER = re.compile(r"\bcolumn_(\d+)_in_backticks\b")
ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}
MIRRORED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
OF_TEXT = (ast.Eq, ast.NotEq)
HINT = "Say, for example, 'arr_delay > 15', \"status in ('late', 'lost')\", or a column's name."


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        text: The expression as it was given.
        columns: The columns that it uses, each once.
        type: The type of its value.
        code: The same as Python on a mapping `columns` of tensors by name.
        is_whole: Whether all its numbers are whole.
        constants: The constants that the code names, as code.
    """

    text: str
    columns: tuple[str, ...]
    type: Type
    code: str
    is_whole: bool
    _value: Callable[[Mapping[str, Any]], Any]
    constants: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_column(self) -> bool:
        """Whether it is no more than a column."""
        return self.code == _column(self.columns[0])

    def evaluate(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Returns its values, shape [n].

        Args:
            columns: The columns by name, shape [n]: numbers, or objects with text.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._value(columns))


def parse(
    text: str,
    types: Mapping[str, Type],
    wholes: Collection[str] = (),
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> Expression:
    """Parses an expression.

    Args:
        text: The expression.
        types: The type of each column.
        wholes: The columns of numbers that are int64; beside fractions they are cast to float32.
        aliases: Columns by other names that the expression may have for them.

    Raises:
        SettingsError: If it is anything else, names no column or an unknown one, or mixes types.
    """
    name = aliases.get(text.strip(), text.strip())
    if name in types:
        is_whole = name in wholes
        return Expression(
            text, (name,), types[name], _column(name), is_whole, lambda row: row[name]
        )
    if len(text) > MOST or not text.isprintable():
        _refuse(text[:60], f"is no line of at most {MOST} printable characters")
    names: list[str] = []
    types = {**types, **{alias: types[column] for alias, column in aliases.items()}}

    def placeholder(match: re.Match[str]) -> str:
        names.append(aliases.get(match[1], match[1]))
        return f"column_{len(names) - 1}_in_backticks"

    try:
        tree = ast.parse(QUOTED.sub(placeholder, text).strip(), mode="eval").body
        first = _Parser(text, types, names, aliases)
        used = first.parse(tree).columns
        numbers = {name for name in used if types[name] == "number"}
        is_whole = numbers <= set(wholes) and not _has_fractions(tree)
        cast = () if is_whole else wholes
        parser = _Parser(text, types, names, aliases, cast, len(first.bounds) == 1)
        parsed = parser.parse(tree)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        _refuse(text, "is not an expression", "A name with spaces stands in backticks: `a b`.")
    if not used:
        _refuse(text, "names no column")
    return Expression(
        text, used, parsed.type, parsed.code, is_whole, parsed.value, parser.constants()
    )


def _has_fractions(tree: ast.expr) -> bool:
    nodes = list(ast.walk(tree))
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    return any(isinstance(node, ast.Div) for node in nodes) or any(
        isinstance(value, float) for value in constants
    )


def _refuse(text: str, problem: str, hint: str = HINT) -> NoReturn:
    raise SettingsError(f"--label {text!r} {problem}.", hint=hint)


def _column(name: str) -> str:
    return f"columns[{literal(name)}]"


def literal(value: object) -> str:
    """Returns a constant as Python code, as ruff would write it."""
    if not isinstance(value, str):
        return repr(value)
    quote = "'" if '"' in value and not {"'", "\\"} & set(value) else '"'
    escaped = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    inner = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in escaped
    )
    return f"{quote}{inner}{quote}"


@dataclass(frozen=True)
class _Part:
    """A part of an expression: its type, its code, whether that needs parentheses, its value."""

    type: Type
    code: str
    value: Callable[[Mapping[str, Any]], Any]
    columns: tuple[str, ...] = ()
    is_simple: bool = False

    @property
    def inner(self) -> str:
        return self.code if self.is_simple else f"({self.code})"


class _Parser:
    def __init__(
        self,
        text: str,
        types: Mapping[str, Type],
        quoted: list[str],
        aliases: Mapping[str, str],
        cast: Collection[str] = (),
        has_one_bound: bool = False,
    ) -> None:
        self.text, self.types, self.quoted, self.cast = text, types, quoted, cast
        self.aliases = aliases
        self.bounds: list[int | float] = []
        self.has_one_bound = has_one_bound

    def parse(self, node: ast.expr) -> _Part:
        methods: dict[type[ast.expr], Callable[[Any], _Part]] = {
            ast.Name: self._name,
            ast.Constant: self._constant,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._arithmetic,
            ast.BoolOp: self._logic,
            ast.Compare: self._comparison,
        }
        return methods.get(type(node), self._refuse_node)(node)

    def constants(self) -> dict[str, str]:
        """Returns the numbers that columns are compared with, by their names in the code."""
        return {self._bound(at): repr(value) for at, value in enumerate(self.bounds, 1)}

    def _bound(self, at: int) -> str:
        return BOUND if self.has_one_bound else f"{BOUND}_{at}"

    def _refuse_node(self, node: ast.expr) -> NoReturn:
        _refuse(self.text, f"has {self._shown(node)}, which is not allowed in a label")

    def _name(self, node: ast.Name) -> _Part:
        found = PLACEHOLDER.fullmatch(node.id)
        quoted = found and int(found[1]) < len(self.quoted)
        name = self.quoted[int(found[1])] if found and quoted else node.id
        if name not in self.types:  # Python normalizes names
            same = {unicodedata.normalize("NFKC", known): known for known in self.types}
            if name not in same:
                near = closest(name, self.types)
                _refuse(
                    self.text,
                    f"names {name!r}, and the table has no such column",
                    f"Did you mean {near!r}?" if near else f"There are: {_some(self.types)}.",
                )
            name = same[name]
        name = self.aliases.get(name, name)
        if self.types[name] == "truth":  # 0 or 1 in a tf.Example
            return _Part("truth", f"{_column(name)} == 1", lambda row: row[name], (name,))
        code = f"tf.cast({_column(name)}, tf.float32)" if name in self.cast else _column(name)
        return _Part(self.types[name], code, lambda row: row[name], (name,), True)

    def _constant(self, node: ast.Constant) -> _Part:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            _refuse(self.text, f"has the constant {value!r}, which is no number and no text")
        kind: Type = "text" if isinstance(value, str) else "number"
        return _Part(kind, literal(value), lambda row: value, (), True)

    def _unary(self, node: ast.UnaryOp) -> _Part:
        if isinstance(node.op, ast.Not):
            part = self._of(node.operand, "truth", "not")
            code, value = f"~{part.inner}", lambda row: ~part.value(row)
        elif isinstance(node.op, ast.USub):
            part = self._of(node.operand, "number", "-")
            code, value = f"-{part.inner}", lambda row: -part.value(row)
        else:
            self._refuse_node(node)
        return _Part(part.type, code, value, part.columns, True)

    def _arithmetic(self, node: ast.BinOp) -> _Part:
        if type(node.op) not in ARITHMETIC:
            self._refuse_node(node)
        sign, function = ARITHMETIC[type(node.op)]
        left, right = (self._of(side, "number", sign) for side in (node.left, node.right))
        return _joined("number", sign, function, left, right)

    def _logic(self, node: ast.BoolOp) -> _Part:
        word, sign, function = (
            ("and", "&", operator.and_)
            if isinstance(node.op, ast.And)
            else ("or", "|", operator.or_)
        )
        first, *rest = (self._of(value, "truth", word) for value in node.values)
        for part in rest:
            first = _joined("truth", sign, function, first, part)
        return first

    def _comparison(self, node: ast.Compare) -> _Part:
        operands, parts = [node.left, *node.comparators], []
        for left, sign, right in zip(operands, node.ops, operands[1:], strict=False):
            if isinstance(sign, ast.In | ast.NotIn):
                parts.append(self._member(left, sign, right))
            elif type(sign) in COMPARISONS:
                parts.append(self._compared(left, sign, right))
            else:
                _refuse(self.text, "compares with `is`", "Say == or !=.")
        first, *rest = parts
        for part in rest:
            first = _joined("truth", "&", operator.and_, first, part)
        return first

    def _compared(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> _Part:
        first, other = self._side(left), self._side(right)
        if first.type != other.type or first.type == "truth":
            _refuse(
                self.text, f"compares {first.type} {self._shown(left)} with {other.type} "
                f"{self._shown(right)}",
            )  # fmt: skip
        if first.type == "text" and not isinstance(sign, OF_TEXT):
            _refuse(self.text, "orders text", "Text is compared by ==, != and in.")
        if not first.columns:  # a constant stands to the right
            first, other, sign = other, first, MIRRORED.get(type(sign), type(sign))()
        return _joined("truth", *COMPARISONS[type(sign)], first, other)

    def _side(self, node: ast.expr) -> _Part:
        """Parses one side of a comparison; a number gets a name, unless it is 0 or 1."""
        part = self.parse(node)
        if part.columns or part.type != "number" or part.value({}) in {0, 1}:
            return part
        self.bounds.append(part.value({}))
        if not abs(self.bounds[-1]) < LARGEST:
            _refuse(self.text, f"has a number beyond {LARGEST:g}")
        return replace(part, code=self._bound(len(self.bounds)), is_simple=True)

    def _member(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> _Part:
        if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
            _refuse(self.text, "says `in` without a list of constants", HINT)
        first, *rest = (self._compared(left, ast.Eq(), choice) for choice in right.elts)
        for part in rest:
            first = _joined("truth", "|", operator.or_, first, part)
        if isinstance(sign, ast.In):
            return first
        return _Part(
            "truth", f"~({first.code})", lambda row: ~first.value(row), first.columns, True
        )

    def _of(self, node: ast.expr, wanted: Type, what: str) -> _Part:
        part = self.parse(node)
        if part.type != wanted:
            hint = (
                "A column of 0 and 1 becomes a condition by `== 1`." if wanted == "truth" else HINT
            )
            _refuse(
                self.text,
                f"has {self._shown(node)} at {what!r}, which is a {part.type}, not a {wanted}",
                hint,
            )
        return part

    def _shown(self, node: ast.expr) -> str:
        shown = PLACEHOLDER.sub(lambda match: f"`{self.quoted[int(match[1])]}`", ast.unparse(node))
        return shown[:60]


def _joined(
    type_: Type, sign: str, function: Callable[[Any, Any], Any], left: _Part, right: _Part
) -> _Part:
    return _Part(
        type_,
        f"{left.inner} {sign} {right.inner}",
        lambda row: function(left.value(row), right.value(row)),
        tuple(dict.fromkeys((*left.columns, *right.columns))),
    )


def _some(names: Mapping[str, Type]) -> str:
    listed = [*names][:20]
    return ", ".join(listed) + (", ..." if len(names) > len(listed) else "")
