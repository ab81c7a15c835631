from __future__ import annotations

import re

import pytest

from dmin.report.answer import answer_html, asset, chart_of
from dmin.results.events import Event, Events, Second
from dmin.results.match import Match, Window
from dmin.results.merging import merge_seconds
from report.html_outline import Outline

RELEVANCE = (0.1, 0.8, 0.9, 0.2, 0.7)


def answer(category: str = "Dog", duration: float = 4.5) -> Events:
    rows = tuple(Second(float(t), r, category, {category: 0.75, "Cat": 0.25}) for t, r in enumerate(RELEVANCE))
    return Events("a.mp4", duration, "mine", 0.5, rows, merge_seconds(rows, 0.5, duration, 0))


def test_bars_stand_where_their_events_are() -> None:
    bars = [attrs for tag, attrs in Outline(answer_html(answer())).tags if attrs.get("class") == "dmin-bar"]
    assert [(bar["data-start"], bar["data-end"]) for bar in bars] == [("1.0", "3.0"), ("4.0", "4.5")]
    styles = [re.findall(r"(left|width): ([\d.]+)%", bar["style"] or "") for bar in bars]
    assert [[(name, float(share)) for name, share in style] for style in styles] == [
        [("left", pytest.approx(22.222)), ("width", pytest.approx(44.444))],
        [("left", pytest.approx(88.889)), ("width", pytest.approx(11.111))],
    ]


def test_outline_goes_through_every_second_and_ends_with_the_recording() -> None:
    assert chart_of(answer()).outline == "M0 1V0.9000H1V0.2000H2V0.1000H3V0.8000H4V0.3000H4.5V1Z"


def test_outline_of_a_long_recording_keeps_its_peaks() -> None:
    rows = tuple(Second(float(t), 0.9 if t == 5001 else 0.1, "Dog", {"Dog": 1.0}) for t in range(9000))
    outline = chart_of(Events("a.mp4", 9000.0, "mine", 0.5, rows, ())).outline
    assert outline.count("H") == 1800
    assert "V0.1000H5005" in outline
    assert outline.endswith("H9000V1Z")


def test_only_an_answer_with_a_player_has_buttons() -> None:
    without, with_player = Outline(answer_html(answer())).tags, Outline(answer_html(answer(), player="video")).tags
    assert not [tag for tag, _ in without if tag == "button"]
    assert len([tag for tag, _ in with_player if tag == "button"]) == 4  # two bars, two rows
    assert with_player[0][1]["data-player"] == "video"


def test_names_are_escaped() -> None:
    html = answer_html(answer('<script>alert("1")</script>'), player='a"b')
    assert {tag for tag, _ in Outline(html).tags} & {"script"} == set()
    assert Outline(html).tags[0][1]["data-player"] == 'a"b'


def test_truth_has_a_lane_and_no_row() -> None:
    chart = chart_of(answer(), [Event(0.0, 2.0, "Cat", 1.0)])
    assert [(label, len(bars)) for label, bars in chart.lanes] == [("Dog", 2), ("truth", 1)]
    assert len(re.findall("<tr data-start", answer_html(answer(), truth=[Event(0.0, 2.0, "Cat", 1.0)]))) == 2


def test_an_answer_without_events_has_no_table() -> None:
    html = answer_html(answer().above(0.95))
    assert "<table" not in html
    assert 'style="bottom: 95.0%"' in html


def test_no_seconds_at_all() -> None:
    Outline(answer_html(Events("a.mp4", 0.0, "mine", 0.5, (), ())))


def test_places_of_a_match() -> None:
    windows = tuple(Window(float(t), score) for t, score in enumerate([0.1, 0.7, 0.9, 0.2, 0.3]))
    seconds = (0.2, 0.1, 0.9, 0.9, 0.1, 0.4)
    chart = chart_of(Match("a.wav", "b.mp4", "a2v", "mine", 0.0, 2.0, 2, 5.5, 2.0, 4.0, 0.9, 1.5, windows, seconds))
    assert [(bar.label, bar.start_seconds, bar.end_seconds) for bar in chart.bars] == [
        ("best place", 2.0, 4.0),
        ("second", 4.0, 5.5),
        ("third", 0.0, 2.0),
    ]
    assert (chart.curve, chart.threshold, chart.outline[-7:]) == ("score", None, "H5.5V1Z")


def test_a_part_of_an_answer_is_drawn_at_its_place() -> None:
    chart = chart_of(answer().between(2.0, 4.0))
    assert chart.outline == "M2 1V0.1000H3V0.8000H4V1Z"
    assert [(bar.start_seconds, bar.end_seconds) for bar in chart.bars] == [(2.0, 3.0)]


def test_notebooks_show_an_answer_with_its_style() -> None:
    html = answer()._repr_html_()
    assert html == f"<style>{asset('answer.css')}</style>{answer_html(answer())}"


def test_style_and_script_are_there() -> None:
    assert ".dmin-bar" in asset("answer.css")
    assert "currentTime" in asset("answer.js")
