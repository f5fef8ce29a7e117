"""Where a chart's bars, lines and labels lie. Pure geometry; ``templates/ui/chart.html`` draws it.

A chart on a page is as wide as its place: across, everything lies at a percentage, so that letters keep their size on
a phone. One in a document has a width in units. Upward, everything is in units (pixels, or what a document makes of
them), from the top.
"""

from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from itertools import pairwise
from typing import Literal, NamedTuple

HEIGHT = 220
TOP, BOTTOM = 14, 26  # for the label of a line at the top, and for the labels below
MOST_STEPS = 5
# What a letter takes, and how narrow and how wide the plot is: on a phone of 390 px, and on a desk.
LETTER = 6.4
NARROW, WIDE = 270, 620
FAR_ABOVE = 4  # a line so many times above all bars would press them flat
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_EXACT = Context(prec=60)

Kind = Literal["whole", "running", "carried"]


class Value(NamedTuple):
    """One bar's place: how much (``None``: nothing is known or it lies ahead), its label below, its words.

    ``kind``: "running" is not over yet, "carried" was not reported and stays as it was.
    """

    amount: Decimal | None
    label: str
    words: str = ""
    kind: Kind = "whole"


class Mark(NamedTuple):
    """A line across at an amount, with its words."""

    amount: Decimal
    words: str


class Ahead(NamedTuple):
    """What is foretold for the end: a line from the last bar's top, and a bracket from ``low`` to ``high``."""

    expected: Decimal
    low: Decimal
    high: Decimal


class Bar(NamedTuple):
    x: str
    y: str
    width: str
    height: str
    kind: Kind
    words: str


class Tick(NamedTuple):
    """A label at a place across or upward; ``is_minor``: left out where there is little room."""

    at: str
    text: str
    is_minor: bool = False


class Segment(NamedTuple):
    """A straight line; ``words`` stand on it."""

    x1: str
    y1: str
    x2: str
    y2: str
    words: str = ""


class Chart(NamedTuple):
    """All that is drawn. ``width`` of ``None``: percentages. ``axis``: how wide the labels of the amounts are.

    ``left_out``: the line is so far above the bars that it is not drawn.
    """

    width: int | None
    height: int
    axis: int
    baseline: str
    bars: tuple[Bar, ...]
    amounts: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    limit: Segment | None
    left_out: bool
    outlook: Segment | None
    bracket: Segment | None


def bar_chart(
    values: Sequence[Value],
    say: Callable[[Decimal], str],
    *,
    limit: Mark | None = None,
    ahead: Ahead | None = None,
    width: int | None = None,
    height: int = HEIGHT,
    smallest: Decimal = Decimal(1),
) -> Chart:
    """Lay out a chart. ``say``: how an amount is written; ``smallest``: the finest step between two lines.

    An empty list of values makes an empty plot.
    """
    amounts = [value.amount for value in values if value.amount is not None]
    drawn = [*amounts, *((ahead.high, ahead.low) if ahead else ())]
    left_out = limit is not None and bool(limit.amount > FAR_ABOVE * max(drawn, default=Decimal(0)) > 0)
    shown = None if left_out else limit
    steps = ticks(drawn + ([shown.amount] if shown else []), smallest)
    plane = _Plane(steps[0], steps[-1], len(values), width, height)
    texts = [say(step) for step in steps]
    return Chart(
        width=width,
        height=height,
        axis=round(max(map(len, texts)) * LETTER) + 8,
        baseline=plane.y(Decimal(0)),
        bars=tuple(plane.bar(index, value) for index, value in enumerate(values) if value.amount is not None),
        amounts=tuple(Tick(plane.y(step), text) for step, text in zip(steps, texts, strict=True)),
        labels=_labels([value.label for value in values], plane),
        limit=plane.across(shown) if shown else None,
        left_out=left_out,
        outlook=plane.outlook(values, ahead) if ahead else None,
        bracket=plane.bracket(ahead) if ahead else None,
    )


def ticks(amounts: Sequence[Decimal], smallest: Decimal = Decimal(1)) -> list[Decimal]:
    """Round steps from at or below the lowest amount to at or above the highest, zero always among them."""
    with localcontext(_EXACT):
        low, high = min([Decimal(0), *amounts]), max([Decimal(0), *amounts])
        step = _step(high - low, smallest)
        first = (low / step).to_integral_value(ROUND_FLOOR)
        last = max((high / step).to_integral_value(ROUND_CEILING), first + 1)
        return [step * number for number in range(int(first), int(last) + 1)]


def _step(span: Decimal, smallest: Decimal) -> Decimal:
    if not span:
        return smallest
    rough = span / MOST_STEPS
    power = Decimal(1).scaleb(rough.adjusted())
    return max(next(step * power for step in _STEPS if step * power >= rough), smallest)


class _Plane(NamedTuple):
    low: Decimal
    high: Decimal
    places: int
    width: int | None
    height: int

    def y(self, amount: Decimal) -> str:
        return _number(TOP + float((self.high - amount) / (self.high - self.low)) * (self.height - TOP - BOTTOM))

    def x(self, place: float) -> str:
        """``place``: in bars from the left."""
        share = place / max(self.places, 1)
        return f"{_number(share * 100)}%" if self.width is None else _number(share * self.width)

    def bar(self, index: int, value: Value) -> Bar:
        amount = value.amount or Decimal(0)
        top, foot = float(self.y(max(amount, Decimal(0)))), float(self.y(min(amount, Decimal(0))))
        # What is there is seen, be it ever so little.
        tall = max(foot - top, 1.0) if amount else 0.0
        top = foot - tall if amount >= 0 else top
        gap = 0.12 if self.places <= 60 else 0.04
        return Bar(self.x(index + gap), _number(top), self.x(1 - 2 * gap), _number(tall), value.kind, value.words)

    def across(self, mark: Mark) -> Segment:
        return Segment(self.x(0), self.y(mark.amount), self.x(self.places), self.y(mark.amount), mark.words)

    def outlook(self, values: Sequence[Value], ahead: Ahead) -> Segment | None:
        """From the last bar to the end; none where no place is left between them."""
        known = [index for index, value in enumerate(values) if value.amount is not None]
        if not known or known[-1] >= self.places - 1:
            return None
        from_amount = values[known[-1]].amount or Decimal(0)
        return Segment(self.x(known[-1] + 0.5), self.y(from_amount), self.x(self.places - 0.5), self.y(ahead.expected))

    def bracket(self, ahead: Ahead) -> Segment:
        end = self.x(self.places - 0.5)
        return Segment(end, self.y(ahead.low), end, self.y(ahead.high))


def _labels(texts: Sequence[str], plane: _Plane) -> tuple[Tick, ...]:
    """Every n-th label, so that none touches the next; more of them where there is room."""
    narrow = next(every for every in range(1, len(texts) + 2) if _apart(texts, every, plane.width or NARROW))
    # The wide ones are a division of the narrow ones, so that those stay where they are.
    wide = next(
        every for every in range(1, narrow + 1) if not narrow % every and _apart(texts, every, plane.width or WIDE)
    )
    return tuple(
        Tick(plane.x(index + 0.5), text, is_minor=index % narrow != 0)
        for index, text in enumerate(texts)
        if index % wide == 0 and _fits(index, len(texts), len(text) * LETTER, plane.width or NARROW)
    )


def _apart(texts: Sequence[str], every: int, room: int) -> bool:
    """Whether there is a gap between each two that are shown when every so many-th is."""
    gap = every / max(len(texts), 1) * room - 8
    shown = [len(text) * LETTER for text in texts[::every]]
    return all((before + after) / 2 <= gap for before, after in pairwise(shown))


def _fits(index: int, count: int, length: float, room: int) -> bool:
    """Whether a label in the middle of its bar stays within the plot's right edge, give or take a letter."""
    return (index + 0.5) / count * room + length / 2 <= room + 12


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
