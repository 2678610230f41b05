"""The pure parts of the app: pace, line, layout, frames, Markdown, themes."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_tutor.cluster.views import CauseView, FlightView
from k8s_tutor.lessons.manifests import names_in
from k8s_tutor.ui import markdown, pace, theme
from k8s_tutor.ui.chrome import Head, clock, header
from k8s_tutor.ui.frame import frame
from k8s_tutor.ui.layout import NEEDS, Wish, share, stage, too_small
from k8s_tutor.ui.line import LineEdit
from k8s_tutor.ui.roles import ROLES
from k8s_tutor.ui.rows import text_of, width
from k8s_tutor.ui.scene import Picture, PlainLens, Spot
from k8s_tutor.ui.session import links
from k8s_tutor.ui.widgets import neighbour


def flight(sent: int, due: int, work: bool = True) -> FlightView:
    return FlightView(
        id=1, src="a", dst="b", src_machine="a", dst_machine="b", kind="x", text="", sent_at=sent, due=due, cause=0, work=work,
        outcome="flying",
    )  # fmt: skip


def seconds_to(film: pace.Film, now: int, end: int, **what: object) -> float:
    """Seconds of wall time until an instant is reached, at 30 frames a second."""
    for frames in range(3_000):
        if now >= end:
            return frames / 30
        now = film.target(now, 1 / 30, **what)  # type: ignore[arg-type]
    raise AssertionError("never")


@pytest.mark.parametrize("latency", [500, 1_000, 20_000, 300_000])
def test_a_message_of_work_takes_about_half_a_second_however_fast_it_is(latency: int) -> None:
    took = seconds_to(pace.Film(), 0, latency, flying=[flight(0, latency)], next_work=latency, quiet=False)
    assert 0.4 <= took <= 0.8


def test_a_stretch_without_work_is_crossed_in_a_moment_and_not_overtaken() -> None:
    film = pace.Film()
    took = seconds_to(film, 0, 8_000_000, flying=[flight(0, 1_000, work=False)], next_work=8_000_000, quiet=False)
    assert 0.2 <= took <= 0.5
    assert film.target(7_999_999, 1.0, [], 8_000_000, False) == 8_000_000
    assert pace.Film(still=True).target(0, 0.01, [], 8_000_000, False) == 8_000_000


def test_quiet_keeps_the_walls_pace_but_gathers_speed_for_somebody_who_waits() -> None:
    film = pace.Film()
    assert seconds_to(film, 0, 5_000_000, flying=[], next_work=None, quiet=True) == pytest.approx(5, abs=0.1)
    assert seconds_to(film, 0, 300_000_000, flying=[], next_work=None, quiet=True, awaited=True) < 7


def chain(film: pace.Film, hops: int, scene: object = 0) -> float:
    """Seconds of wall time for so many messages, each sent when the one before has landed."""
    seconds, now = 0.0, 0
    for hop in range(hops):
        sent = now
        due = sent + 500
        took = seconds_to(film, now, due, flying=[flight(sent, due)], next_work=due, quiet=False, scene=scene)
        seconds, now = seconds + took, max(due, now)
        assert hop < 6 or took < 0.9
    return seconds


def test_a_long_burst_is_slow_at_first_and_then_gathers_speed() -> None:
    film = pace.Film()
    first, rest = chain(film, 4), chain(film, 60)
    assert 1.6 <= first <= 2.6
    assert rest < 60 * pace.HOP / 2.5


def test_the_tempo_of_a_burst_rises_smoothly_to_its_end() -> None:
    tempi = [pace.burst_tempo(frame / 30) for frame in range(600)]
    assert tempi[0] == 1 == pace.burst_tempo(pace.CALM) and tempi[-1] == pace.FASTEST_BURST
    assert all(1 <= later / earlier < 1.02 for earlier, later in itertools.pairwise(tempi))


def test_what_begins_anew_is_slow_again() -> None:
    film = pace.Film()
    chain(film, 60)
    assert chain(film, 1) < 0.2
    assert chain(film, 1, scene="another input") >= 0.4
    chain(film, 60, scene="another input")
    film.target(0, 1 / 30, [], None, True, scene="another input")
    assert chain(film, 1, scene="another input") >= 0.4


def test_messages_that_fly_at_once_cost_one_way_and_not_one_each() -> None:
    film, now, frames = pace.Film(), 0, 0
    together = [flight(0, 500 + 10 * number) for number in range(20)]
    while now < 690:
        now = film.target(now, 1 / 30, [one for one in together if one.due >= now], 690, False)
        frames += 1
    assert frames / 30 < 1.5 * pace.HOP + 0.4


@pytest.mark.parametrize(("text", "speed"), [("2", 2), ("x1/100", Fraction(1, 100)), ("×10", 10), ("0.5", Fraction(1, 2))])
def test_speeds_are_read(text: str, speed: Fraction) -> None:
    assert pace.parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "fast", "0", "1/0", "5000", "-1", "nan"])
def test_bad_speeds_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError):
        pace.parse_speed(text)


def test_speed_keys_walk_up_and_down() -> None:
    assert pace.faster(Fraction(1)) == 2 and pace.slower(Fraction(1)) == Fraction(1, 2)
    assert pace.faster(pace.SPEEDS[-1]) == 1000 and pace.slower(pace.SPEEDS[0]) == Fraction(1, 1000)


SIZES = [(60, 20), (79, 24), (80, 24), (100, 30), (160, 48), (200, 60), (300, 20), (60, 100)]


@pytest.mark.parametrize("size", SIZES)
def test_no_two_boxes_overlap_and_all_lie_on_the_screen(size: tuple[int, int]) -> None:
    panels = tuple(NEEDS)
    for count, worlds, lesson, zoom in itertools.product((1, 2, 5, len(panels)), (1, 2, 3), (True, False), (True, False)):
        for focus in (panels[0], panels[count - 1], ""):
            most = (("workers", 9), ("committee", 12)) if lesson else ()
            plan = stage(*size, Wish(panels[:count], focus, zoom, lesson, worlds, most, "log" if worlds < 3 else ""))
            boxes = [plan.header, plan.tabs, plan.lesson, plan.timeline, plan.prompt, plan.footer]
            boxes = [box for box in (*boxes, *(place.box for place in plan.places)) if box.height]
            cells = sum(box.width * box.height for box in boxes)
            assert all(box.x >= 0 and box.y >= 0 and box.width > 0 for box in boxes)
            assert all(box.x + box.width <= size[0] and box.y + box.height <= size[1] for box in boxes)
            covered = {
                (x, y) for box in boxes for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)
            }
            assert len(covered) == cells == size[0] * size[1]
            if focus:
                assert focus in {place.panel for place in plan.places}


def test_rows_that_nobody_has_a_use_for_go_to_the_filler() -> None:
    short = Wish(("committee",), filler="log")
    assert [place.panel for place in stage(160, 48, short).places] == ["committee", "log"]
    assert [place.panel for place in stage(80, 24, short).places] == ["committee"]
    zoomed = Wish(("committee",), "committee", True, filler="log")
    assert [place.panel for place in stage(160, 48, zoomed).places] == ["committee"]
    crowded = Wish(("committee", "workers", "wire"), filler="log", most=(("workers", 30),))
    assert "log" not in {place.panel for place in stage(160, 48, crowded).places}


def test_small_terminals_get_one_polite_sentence() -> None:
    assert too_small(40, 12) == "k8s-tutor needs at least 60×20; this terminal is 40×12. Please make it larger."
    assert not too_small(60, 20)


def test_a_clock_that_only_ticks_is_told_once_in_a_chain_of_causes() -> None:
    def link(number: int, timer: bool) -> CauseView:
        return CauseView(
            id=number, at=number, src="a", dst="a" if timer else "b", kind="Tick" if timer else "Vote", text="", timer=timer,
            input=False, notes=(),
        )  # fmt: skip

    chain = links((*(link(number, True) for number in range(1, 71)), link(71, False)), PlainLens())
    assert [line.words for line in chain] == ["a: its clock ticks, 70 times", "a → b  Vote"]
    assert [line.target for line in chain] == ["message 70", "message 71"]


def test_a_full_stop_stays_with_the_word_in_code_before_it() -> None:
    rows = markdown.render("or cut a cable with `cut Alice Bob`.", 33)
    assert [text_of(row) for row in rows] == ["or cut a cable with cut Alice", "Bob."]


@given(
    st.integers(3, 90), st.lists(st.tuples(st.integers(3, 10), st.integers(3, 40), st.integers(1, 5)), min_size=1, max_size=6)
)
def test_rows_are_shared_out_whole(total: int, parties: list[tuple[int, int, int]]) -> None:
    least = [party[0] for party in parties]
    heights = share(total, least, [max(party[:2]) for party in parties], [party[2] for party in parties])
    assert sum(heights) == max(total, 3 * len(parties)) or sum(heights) == total


@given(st.text(max_size=20), st.text(max_size=30), st.integers(0, 60), st.integers(0, 12), st.booleans())
def test_a_frame_is_exactly_as_large_as_it_should_be(title: str, status: str, wide: int, high: int, lit: bool) -> None:
    title = "".join(character for character in title if character.isprintable() and character.isascii())
    status = "".join(character for character in status if character.isprintable() and character.isascii())
    rows = frame(Picture(title, ((status, "dim"),) if status else (), ((("x" * 99, "text"),),)), wide, high, lit)
    assert len(rows) == high
    assert all(width(row) == wide for row in rows)


@given(
    st.lists(
        st.sampled_from(
            ["abc", "left", "right", "home", "end", "backspace", "delete", "ctrl+w", "ctrl+u", "ctrl+k", "up", "down", "tab"]
        ),
        max_size=40,
    )
)
def test_a_line_survives_any_keys(keys: list[str]) -> None:
    edit = LineEdit(lambda before: ("get", "getall", "describe"))
    for key in keys:
        if key in ("abc",):
            edit.insert("ab c")
        else:
            assert edit.key(key, None)
        assert 0 <= edit.cursor <= len(edit.text)


def test_a_line_completes_as_far_as_it_is_certain_and_offers_the_rest() -> None:
    edit = LineEdit(lambda before: ("describe", "delete", "get"))
    edit.insert("d")
    edit.key("tab", None)
    assert (edit.text, edit.offers) == ("de", ("describe", "delete"))
    edit.insert("s")
    edit.key("tab", None)
    assert (edit.text, edit.offers) == ("describe ", ())


def test_history_keeps_what_was_begun() -> None:
    edit = LineEdit()
    edit.insert("get pods")
    assert edit.take() == "get pods"
    edit.insert("desc")
    edit.key("up", None)
    assert edit.text == "get pods"
    edit.key("down", None)
    assert edit.text == "desc"


def test_bold_words_within_emphasis() -> None:
    row = markdown.spans("*The majority of **those I see** decides.* *So* it is.")
    assert [text for text, _ in row] == ["The majority of ", "those I see", " decides.", " ", "So", " it is."]


def test_markdown_becomes_rows() -> None:
    rows = markdown.render("One **two** `three`\nfour.\n\n- five\n- six seven\n\n```\ncode  here\n```", 14)
    assert [text_of(row) for row in rows] == ["One two three", "four.", "", "• five", "• six seven", "", "code  here"]
    assert ("two", "leader+bold") in rows[0] and ("three", "you") in rows[0]


@given(st.text(alphabet="ab *`_-\n#>.é漢", max_size=80), st.integers(4, 30))
def test_markdown_never_fails_and_never_is_too_wide(text: str, cells: int) -> None:
    assert all(width(row) <= cells for row in markdown.render(text, cells) if not text.count("```"))


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "palette", [palette for palette in theme.PALETTES if not palette.ansi], ids=lambda palette: palette.name
)
@pytest.mark.parametrize("ground", ["panel", "ground", "sunk", "wall"])
def test_words_can_be_read_in_every_theme(palette: theme.Palette, ground: theme.Ground) -> None:
    """WCAG 2.1: 4.5 to 1 for text."""
    for role in set(ROLES) - {"line"}:
        drawn = theme.style(palette.name, role, ground)
        assert drawn.color is not None and drawn.bgcolor is not None
        light, dark = sorted((luminance(drawn.color.name), luminance(drawn.bgcolor.name)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (role, ground)


def test_arrows_go_to_the_nearest_thing_in_their_direction() -> None:
    spots = (Spot(0, 0, 10, "a"), Spot(0, 20, 10, "b"), Spot(8, 0, 10, "c"), Spot(8, 20, 10, "d"))
    assert neighbour(spots, "", 1, 0) == "a"
    assert neighbour(spots, "a", 1, 0) == "b"
    assert neighbour(spots, "a", 0, 1) == "c"
    assert neighbour(spots, "d", 0, -1) == "b"
    assert neighbour(spots, "b", 1, 0) == "b"


@pytest.mark.parametrize("cells", [60, 80, 100, 160, 200])
def test_the_header_fits(cells: int) -> None:
    head = Head(("Consensus", "The pizza quorum"), 4, 11, 3_214_000, True, False, True, "cinema ×1/10", 7, "committee")
    assert width(header(head, cells)) == cells
    assert "00:03.214" in text_of(header(head, cells))
    assert clock(3_600_000_000 + 61_001_000) == "1:01:01.001"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("apply -f web.yaml", ["web.yaml"]),
        ("apply -fweb.yaml --filename=b.yaml", ["web.yaml", "b.yaml"]),
        ("apply -f https://x/y.yaml -f a,b", ["a", "b"]),
        ("get pods", []),
        ("apply -f 'unclosed", []),
    ],
)
def test_manifests_are_found_in_a_line(line: str, names: list[str]) -> None:
    assert names_in(line) == names


def test_a_wide_table_keeps_its_marks_and_gives_way_from_the_right() -> None:
    from k8s_tutor.ui.lesson_panel import table

    rows = (
        ("members", "quorum", "may lose", "0 away", "1 away"),
        ("*3", "2", "1", "✓ decided", "✓ decided"),
        ("4", "3", "1", "✓ decided", "✗ stops"),
    )
    assert [text_of(row).rstrip() for row in table(rows, 80)][2] == "4         3        1          ✓ decided   ✗ stops"
    assert [text_of(row).rstrip() for row in table(rows, 30)][2] == "4       3      1        ✓ ✗"
    assert [text_of(row).rstrip() for row in table(rows, 26)][2] == "4       3      1        ✓"
    assert text_of(table(rows, 80)[1]).endswith("◀ you are here")
