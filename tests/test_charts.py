"""Where a chart's parts lie: round steps, labels that do not touch, bars that stay inside, whatever the values."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.charts import BOTTOM, HEIGHT, LETTER, NARROW, TOP, WIDE, Ahead, Mark, Value, bar_chart, ticks

AMOUNTS = st.decimals(-(10**15), 10**15, places=9, allow_nan=False, allow_infinity=False)


def values(*amounts):
    return [Value(None if each is None else Decimal(each), str(at + 1)) for at, each in enumerate(amounts)]


def steps(*amounts, smallest="1"):
    return [str(step) for step in ticks([Decimal(each) for each in amounts], Decimal(smallest))]


@pytest.mark.parametrize(
    ("amounts", "found"),
    [
        ((), ["0", "1"]),
        (("0",), ["0", "1"]),
        (("3",), ["0", "1", "2", "3"]),
        (("98",), ["0", "20", "40", "60", "80", "100"]),
        (("-7", "12"), ["-10", "-5", "0", "5", "10", "15"]),
        (("-4",), ["-4", "-3", "-2", "-1", "0"]),
    ],
)
def test_steps_are_round_and_hold_everything(amounts, found):
    assert [str(int(Decimal(step))) for step in steps(*amounts)] == found


def test_fine_quantities_have_fine_steps():
    assert ticks([Decimal("0.000000003")], Decimal("1e-9"))[-1] == Decimal("3e-9")


@given(st.lists(AMOUNTS, max_size=5))
def test_steps_enclose_whatever_comes(amounts):
    found = ticks(amounts, Decimal("1e-9"))
    assert 2 <= len(found) <= 8
    assert Decimal(0) in found
    assert found[0] <= min([Decimal(0), *amounts]) <= max([Decimal(0), *amounts]) <= found[-1]
    assert len({after - before for before, after in pairwise(found)}) == 1


@given(st.lists(st.none() | AMOUNTS, max_size=40), st.sampled_from([None, 640]))
def test_bars_stay_inside(amounts, width):
    chart = bar_chart(values(*amounts), str, width=width)
    assert len(chart.bars) == sum(each is not None for each in amounts)
    for bar in chart.bars:
        assert float(bar.height) >= 0
        assert float(bar.y) >= TOP - 1.01
        assert float(bar.y) + float(bar.height) <= HEIGHT - BOTTOM + 1.02
        far = float(bar.x.rstrip("%")) + float(bar.width.rstrip("%"))
        assert 0 <= far <= (width or 100) + 0.02
        assert bar.x.endswith("%") == (width is None)


@pytest.mark.parametrize("count", [1, 2, 7, 24, 28, 31, 92, 366])
@pytest.mark.parametrize("letters", [1, 5, 12])
@pytest.mark.parametrize("width", [None, 640])
def test_labels_do_not_touch(count, letters, width):
    chart = bar_chart([Value(Decimal(1), "x" * letters) for _ in range(count)], str, width=width)
    for is_narrow, room in ((True, NARROW), (False, WIDE)):
        room = width or room
        shown = [tick for tick in chart.labels if not (is_narrow and tick.is_minor)]
        at = [float(tick.at.rstrip("%")) / (100 if width is None else width) * room for tick in shown]
        assert shown or letters == 12
        assert all(after - before >= letters * LETTER for before, after in pairwise(at))


def test_little_is_seen_and_nothing_is_not():
    chart = bar_chart(values("0", "0.001", "1000", "-0.001"), str)
    assert [float(bar.height) for bar in chart.bars][:2] == [0, 1]
    assert float(chart.bars[3].y) == float(chart.baseline)


def test_a_line_is_drawn_where_it_does_not_press_the_bars_flat():
    near = bar_chart(values("80", "90"), str, limit=Mark(Decimal(100), "Limit 100"))
    assert near.limit is not None
    assert (near.limit.x1, near.limit.x2, near.limit.words, near.left_out) == ("0%", "100%", "Limit 100", False)
    far = bar_chart(values("80", "90"), str, limit=Mark(Decimal(1000), "Limit 1,000"))
    assert (far.limit, far.left_out) == (None, True)
    alone = bar_chart(values("0", "0"), str, limit=Mark(Decimal(1000), "Limit 1,000"))
    assert alone.limit is not None


def test_what_lies_ahead_goes_from_the_last_bar_to_the_end():
    ahead = Ahead(Decimal(40), Decimal(30), Decimal(50))
    chart = bar_chart(values("10", "20", None, None), str, ahead=ahead)
    assert (chart.outlook.x1, chart.outlook.x2) == ("37.5%", "87.5%")
    assert float(chart.bracket.y2) < float(chart.outlook.y2) < float(chart.bracket.y1)
    assert bar_chart(values("10", "20"), str, ahead=ahead).outlook is None
