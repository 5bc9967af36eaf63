"""Pages: well formed, whole by themselves, honest about what is missing, deaf to hostile text."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from known_run import good_run

from vla_ros.data.run_log import ModeChange, RunLog
from vla_ros.report.page_parts import details, html, number, section, table
from vla_ros.report.plot_style import COLOURS
from vla_ros.report.plot_timeline import thinned
from vla_ros.report.run_report import write_report

VOID = {"meta", "br", "img", "hr", "link", "input"}
ABOUT = {
    "bag": {"messages": 10, "dropped": 0, "note": ""},
    "versions": {"vla_ros": "0.1.0", "machine": "x86_64, 2 cores, Linux"},
    "configuration": {
        "arguments": {"views": "5"},
        "parameters": {"command": {"rate_hz": 50.0, "workspace_low": [0.1, 0.2]}},
    },
}
HOSTILE = "<script>alert(1)</script>\"'&$x_{$"


class Page(HTMLParser):
    """Reads a page and fails on a tag that is not closed where it must be."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts, self.headings = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)

    def values(self, attribute):
        return [attrs[attribute] for _, attrs in self.tags if attribute in attrs]


def report(log, folder, **about):
    write_report(log, folder, {**ABOUT, **about}, "a run")
    return (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return report(good_run(), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_the_verdict_is_the_first_heading(page):
    assert page.headings[0].startswith("It holds 10 Hz")
    assert page.headings[1:] == [
        *("Timeline", "Latency", "Motion", "Modes", "Cameras and sensor", "Processes"),
        *("Recording", "Configuration"),
    ]


def test_ids_are_unique_and_links_lead_to_them(page):
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = page.values("href") + page.values("xlink:href")
    assert links and {link.removeprefix("#") for link in links} <= set(ids)
    assert {"timeline", "latency", "configuration"} <= set(ids)


def test_the_page_needs_nothing_from_elsewhere(text, page):
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "img"}
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", text)
    assert "@import" not in text and not re.findall(r"url\((?!#)", text)


def test_every_colour_of_a_picture_follows_the_theme(text):
    pictures = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    colours = set(re.findall(r"#[0-9a-f]{6}\b", pictures))
    assert not colours, f"not ours, so the same on light and on dark: {colours}"
    assert set(re.findall(r"var\(--(\w+)\)", pictures)) <= COLOURS.keys()
    assert len({light for light, _ in COLOURS.values()}) == len(COLOURS)


def test_pictures_and_tables_tell_what_they_are_to_those_who_do_not_see(page):
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes["role"] == "img" and len(attributes["aria-label"]) > 20
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption") > 5


def test_the_configuration_is_told(page):
    assert "workspace_low" in page.texts and "0.1, 0.2" in page.texts


def test_text_from_the_bag_stays_text(tmp_path):
    log = good_run()
    log.modes.append(ModeChange(2.0, f"command{HOSTILE}", HOSTILE, HOSTILE))
    log.diagnostics[HOSTILE] = {"level": 0, "message": HOSTILE, "values": {HOSTILE: HOSTILE}}
    log.stages["vl_encoder", HOSTILE].append(1.0, 0.0, 0.1)
    log.cycles[HOSTILE].append(1.0, 1, 0, 0.1)
    log.unreadable[HOSTILE] = 3
    for t_s in (1.0, 2.0):
        log.processes[HOSTILE].append(t_s, t_s, 1.0, 1.0, 1)
    told = report(log, tmp_path, configuration={"arguments": {HOSTILE: HOSTILE}})
    found = Page(told)
    assert "script" not in {tag for tag, _ in found.tags}
    assert found.texts.count(HOSTILE) >= 8


def test_numbers_that_are_none_spoil_nothing(tmp_path):
    log = good_run()
    for value in (float("nan"), float("inf"), -1.0, 0.0):
        log.stages["action", "action"].append(1.0, value, value)
        log.stages["vl_encoder", "vision"].append(1.0, value, value)
        log.cycles["vl_encoder"].append(1.0, 1, 0, value)
        log.chunks.append(20.0, 200, 9, value, value, value, value, value)
        log.commands.append(20.0, value, *[value] * 6)
        log.processes["action"].append(20.0, value, value, value, value)
    found = Page(report(log, tmp_path))
    assert not {"nan", "inf", "None"} & set(found.texts)


def test_what_a_run_does_not_have_is_left_out(tmp_path):
    log = RunLog()
    log.duration_s = 3.0
    for t_s in (1.0, 2.0):
        log.commands.append(t_s, 0.1, *[float("nan")] * 6)
    found = Page(report(log, tmp_path, configuration={}, bag={**ABOUT["bag"], "note": "killed"}))
    assert "Cameras and sensor" not in found.headings
    assert "Modes" not in found.headings
    assert "killed" in found.texts


def test_an_empty_run_has_a_page(tmp_path):
    assert "does not hold" in Page(report(RunLog(), tmp_path)).headings[0]


def test_ten_minutes_are_a_page_of_less_than_two_megabytes(tmp_path):
    log = good_run()
    rng = np.random.default_rng(0)
    log.duration_s = 600.0
    for step in range(1000, 30000):
        log.commands.append(step * 0.02, *rng.uniform(0.0, 0.05, 7))
    for tick in range(200, 6000):
        log.chunks.append(tick * 0.1, tick, 1, rng.uniform(0.5, 1.5), 0.01, 0.002, 0.01, 0.01)
        log.cycles["action"].append(tick * 0.1, tick, 0, 0.005)
        log.stages["action", "action"].append(tick * 0.1, 0.0, rng.uniform(0.003, 0.005))
        log.seams.append(tick * 0.1, *rng.uniform(0.0, 0.1, 3))
    for second in range(20, 600):
        log.cycles["vl_encoder"].append(float(second), second, 0, 0.5)
        log.stages["vl_encoder", "vision"].append(float(second), 0.0, rng.uniform(0.3, 0.4))
        log.features.append(second + 0.5, float(second), second, 350, 0.01)
    assert len(report(log, tmp_path)) < 2e6


def test_a_thinned_curve_keeps_its_peaks():
    x = np.arange(100_000.0)
    y = np.zeros(100_000)
    y[[12_345, 54_321, 99_999]] = 1.0, -1.0, 2.0
    some_x, some_y = thinned(x, y)
    assert len(some_x) < 3000 and np.all(np.diff(some_x) > 0)
    assert {12_345.0: 1.0, 54_321.0: -1.0, 99_999.0: 2.0}.items() <= dict(
        zip(some_x, some_y, strict=True)
    ).items()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((None, "-"), (float("nan"), "-"), (True, "yes"), ("<b>", "&lt;b&gt;"), (12345, "12,345")),
        *((12345.6, "12,346"), (123.45, "123.5"), (1.5, "1.50"), (0.0123, "0.0123"), (0.0, "0.00")),
    ],
)
def test_values_are_shown_with_the_digits_that_they_deserve(value, shown):
    assert html(value) == shown


def test_numbers_stand_to_the_right_and_long_text_may_wrap():
    made = table("t", ("name", "n", "why"), [("a", 1.5, "x" * 41), ("b", None, "")])
    assert '<td class="n">1.50</td><td class="long">' in made
    assert number(None) == "-" and table("t", ("a",), []) == ""


def test_an_empty_part_is_no_part():
    assert section("a", "A", table("t", ("a",), [])) == "" == details("a")
