"""The page of `taxii-feeds report` in a browser: 36 feeds, 60 days."""

import collections
import json
import random
import statistics

import pytest

from browser import browser
from concord import IS_TIKV
from test_feeds import LIST, Feeds, Source, server, source  # noqa: F401 (fixtures)

pytestmark = pytest.mark.skipif(IS_TIKV, reason="what the aggregator does is the same over each store")

NAMES = [f"feed-{number:02}-of-a-vendor" for number in range(36)]
DAYS = [f"2026-10-{day:02}" for day in range(2, 32)] + [f"2026-11-{day:02}" for day in range(1, 31)]
REASONS = ["`…` is no address", "`…` is no domain name", "it has no value", "<b>bold</b> & \"quoted\""]

# The cells of a table, row by row.
ROWS = "[...document.querySelectorAll('%s tbody tr')].map(row => [...row.cells].map(cell => cell.innerText || cell.textContent))"
BARS = """[...document.querySelectorAll('#volume .wide rect')].filter(bar => bar.querySelector('title')).map(bar => {
    const box = bar.getBoundingClientRect();
    return [bar.querySelector('title').textContent, box.width, box.height];
})"""
WIDER = """[document.documentElement, ...document.querySelectorAll('.wide')]
    .filter(part => part.scrollWidth > part.clientWidth).map(part => part.outerHTML.slice(0, 60))"""
CUT = """[...document.querySelectorAll('.matrix td')]
    .filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.outerHTML)"""
LABELS = """[...document.querySelectorAll('svg[role=img]')].flatMap(plot => {
    const boxes = [...plot.querySelectorAll('text.day')].map(label => label.getBoundingClientRect());
    return boxes.slice(1).filter((box, before) => box.left < boxes[before].right).map(box => box.left);
})"""
# Text and lines against what is behind them, as WCAG 2.2 (1.4.3, 1.4.11) counts contrast.
CONTRAST = """(() => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const back = light(getComputedStyle(document.body).backgroundColor);
    const against = colour => {
        const [dark, bright] = [light(colour), back].sort((one, other) => one - other);
        return (bright + 0.05) / (dark + 0.05);
    };
    const least = (places, property) => Math.min(...[...document.querySelectorAll(places)]
        .map(part => against(getComputedStyle(part)[property])));
    return [least('body, th, figcaption, summary', 'color'), least('svg text, pattern rect, circle', 'fill')];
})()"""


@pytest.fixture(scope="module")
def runs(server, tmp_path_factory):
    """A page, and the reports that it is about."""
    path = tmp_path_factory.mktemp("page")
    listed = LIST.replace("is-complete = true\n", "")
    # No source is asked: each feed is a file, and has a part of the addresses of those before and after it.
    settings = ""
    for number, name in enumerate(NAMES):
        lines = "".join(f"198.51.100.{low}\n" for low in range(number * 5, number * 5 + 20))
        (path / name).write_text(lines)
        settings += listed.replace("feeds.list", f"feeds.{name}").replace("SOURCE/list", (path / name).as_uri())
    feeds = Feeds(server, "", path, settings)
    last, _ = feeds.once(*NAMES)
    generator = random.Random(1)
    reports = []
    for day in DAYS[:-1]:
        # Some feeds have far more than others.
        for rank, report in enumerate(last):
            for hour in ("03", "15"):
                rejected = {reason: generator.randrange(100) for reason in REASONS if generator.random() < 0.1}
                facts = {"at": f"{day}T{hour}:00:00.000Z", "new": generator.randrange(100_000 // (rank + 1) ** 2), "rejected": rejected}
                reports.append({**report, **facts, "lag": generator.randrange(100_000)})
    reports += last
    lines = "".join(json.dumps(report) + "\n" for report in reports)
    (path / "feeds-state/reports.jsonl").write_text(lines)
    process = feeds.start("report", "-o", path / "page.html")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return path / "page.html", reports


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_the_page_can_be_read(runs, chromium, width, scheme):
    file, _ = runs
    page = chromium.open(file.as_uri(), width, scheme)
    page.screenshot(file.with_name(f"{width}-{scheme}.png"))
    assert page.complaints() == []
    assert page.requests() == [file.as_uri()]
    wider = page.evaluate(WIDER)
    # In a narrow window the wide parts move by themselves.
    assert wider == [] if width == 1280 else not any(part.startswith("<html") for part in wider)
    assert page.evaluate(CUT) == [] and page.evaluate(LABELS) == []
    bars = page.evaluate(BARS)
    assert len(bars) > 9 * 50 and all(box_width > 1 and height > 0 for _, box_width, height in bars)
    text, shapes = page.evaluate(CONTRAST)
    assert text >= 4.5 and shapes >= 3
    plots = page.accessible("image")
    assert len(plots) == 1 + len(NAMES) and all(plots)
    assert page.accessible("heading")[0] == "Feeds" and len(page.accessible("table")) >= 4


def test_the_numbers_are_those_of_the_reports(runs, chromium):
    file, reports = runs
    page = chromium.open(file.as_uri(), 1280, "light")
    number = lambda text: int(text.replace(",", ""))
    new, lags, rejected = collections.Counter(), collections.defaultdict(list), collections.Counter()
    for report in reports:
        day, feed = report["at"][:10], report["feed"]
        new[day] += report["new"]
        if report["lag"] is not None:
            lags[feed, day].append(report["lag"])
        for reason, records in report["rejected"].items():
            rejected[feed, reason] += records
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    volume = page.evaluate(ROWS % "#volume")
    assert {row[0]: number(row[1]) for row in volume} == new
    assert all(sum(map(number, row[2:])) == number(row[1]) and len(row) == 2 + 9 for row in volume)
    # A bar is as high as its number says.
    bars = [(number(title.split(": ")[1]), height) for title, _, height in page.evaluate(BARS)]
    most, highest = max(bars)
    assert all(abs(height - highest * count / most) < 0.1 for count, height in bars)
    assert sum(count for count, _ in bars) == sum(new.values())
    medians = {(feed, day): f"{statistics.median(found) / 3600:.1f}" for (feed, day), found in lags.items()}
    shown = {(row[0], row[1]): row[2] for row in page.evaluate(ROWS % "#lag")}
    assert shown.keys() == medians.keys()
    assert all(abs(float(shown[place]) - float(median)) <= 0.11 for place, median in medians.items())
    rows = page.evaluate(ROWS % "#rejections")
    assert [number(row[2]) for row in rows] == sorted(rejected.values(), reverse=True)[:40]
    assert all(rejected[row[0], row[1]] == number(row[2]) for row in rows)
    matrix = page.evaluate(ROWS % "#overlap .matrix")
    # Each feed has 20 addresses; the next one has 15 of them.
    assert [row[0] for row in matrix] == NAMES and {row[1] for row in matrix} == {"20"}
    assert matrix[0][2:7] == ["", "75", "50", "25", "·"]
