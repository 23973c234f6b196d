"""`index.html` in headless Chromium: sort, filter, keyboard, a phone's width, no error, no request."""

from __future__ import annotations

import shutil

import pytest

from bench.report.directory import write_reports
from bench.report.ledger import Ledger, LedgerEntry
from tests.row_factory import make_rows

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
HOSTILE = "<img src=https://example.org/x onerror=alert(1)></script><script>alert(2)</script>"


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install --group browser")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium, or another on the path")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    trained = {
        "none": {"nll": 1.25},
        "more": {"nll": 10.5, "confidence": 0.55},
        "snli": {"nll": 0.5, "confidence": 0.7},
    }
    rows = [row for name, own in trained.items() for row in make_rows(intermediate=name, flags=[HOSTILE], **own)]
    # Languages are missing, so that its means are.
    rows += make_rows(model="xlmr_large", languages=("en", "sw"))
    rows += make_rows(model="mbert", study="cd" * 32, languages=("en", "tr"))
    ledger = Ledger().merged(LedgerEntry(row.id, "run", "", row.study) for row in rows)
    output = tmp_path_factory.mktemp("page")
    write_reports(rows, ledger, output)
    return (output / "index.html").as_uri()


@pytest.fixture
def opened(browser, address):
    """Open the page in a window; whatever it complains about or asks for fails the test that opened it."""
    contexts, problems = [], []

    def open_page(width=1280, height=900, **settings):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **settings))
        page = contexts[-1].new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("request", lambda request: problems.append(request.url) if request.url != address else None)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def section(page, study="abab"):
    return page.locator(f".result[id*='{study}']")


def column(page, header):
    table = section(page).locator("table.scores")
    place = table.locator("thead th").all_inner_texts().index(header)
    return [cells.split("\t")[place] for cells in table.locator("tbody tr").all_inner_texts()]


def test_a_click_sorts_by_number_and_leaves_what_is_missing_last(opened):
    page = opened()
    button = section(page).locator("table.scores thead button", has_text="NLL")
    found = []
    for _ in range(3):
        button.click()
        found.append((column(page, "NLL"), button.locator("xpath=..").get_attribute("aria-sort")))

    assert found == [
        (["0.500", "1.250", "10.500", "–"], "ascending"),
        (["10.500", "1.250", "0.500", "–"], "descending"),
        (["0.500", "1.250", "10.500", "–"], None),
    ]
    assert page.locator("#status").inner_text() == "Back in the first order."


def test_a_sign_counts(opened):
    page = opened()
    section(page).locator("table.scores thead button", has_text="gap").first.click()

    assert column(page, "gap") == ["-20.0", "-5.0", "+14.0", "–"]


def test_words_sort_as_words_and_one_column_at_a_time(opened):
    page = opened()
    heads = section(page).locator("table.scores thead th")
    heads.filter(has_text="NLL").locator("button").click()
    heads.filter(has_text="intermediate").locator("button").click()

    assert column(page, "intermediate") == ["more", "none", "none", "snli"]
    assert heads.evaluate_all("heads => heads.filter(head => head.ariaSort).length") == 1


def test_the_keyboard_reaches_links_filters_and_heads(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the results"
    section(page).locator("table.scores thead button").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert section(page).locator("thead th.model").first.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert section(page).locator("thead th.model").first.get_attribute("aria-sort") == "descending"
    page.locator("details.languages summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.languages").first.get_attribute("open") is not None


def test_a_model_leaves_its_own_lines_and_sections(opened):
    page = opened()
    page.select_option("[name=model]", "xlmr_large")

    assert section(page).locator("table.scores tbody tr:visible th.model").all_inner_texts() == ["xlmr_large"]
    assert not section(page, "cdcd").is_visible()
    assert page.locator("#status").inner_text() == "Shown: 1 of 2 tables of results; lines: 1."
    page.get_by_role("button", name="show all").click()
    section(page, "cdcd").wait_for()
    assert section(page).locator("table.scores tbody tr:visible").count() == 4


def test_an_intermediate_task_is_taken_whole(opened):
    page = opened()
    page.select_option("[name=intermediate]", "more")

    assert section(page).locator("table.scores tbody tr:visible th.intermediate").all_inner_texts() == ["more"]


def test_a_language_opens_the_rows_by_language(opened):
    page = opened()
    page.select_option("[name=language]", "tr")
    rows = section(page).locator("table.languages tbody tr:visible")
    rows.first.wait_for()

    assert rows.count() == 3
    assert {row.split("\t")[0] for row in rows.all_inner_texts()} == {"tr Turkish"}
    assert section(page, "cdcd").is_visible()
    page.select_option("[name=language]", "de")
    assert not section(page, "cdcd").is_visible()


def test_rows_by_language_sort_and_filter_like_others(opened):
    page = opened()
    page.select_option("[name=intermediate]", "snli")
    section(page).locator("details.languages summary").click()
    table = section(page).locator("table.languages")
    table.locator("thead button", has_text="acc").click()
    cells = [row.split("\t") for row in table.locator("tbody tr:visible").all_inner_texts()]

    accuracies = [float(row[table.locator("thead th").all_inner_texts().index("acc")]) for row in cells]
    assert len(accuracies) == 6
    assert accuracies == sorted(accuracies)


def test_a_mark_says_what_it_means(opened):
    page = opened()
    mark = section(page).locator("table.scores td a").first
    note = page.locator(mark.get_attribute("href"))

    assert mark.get_attribute("title") == note.inner_text()
    assert any(HOSTILE in text for text in section(page).locator(".notes li").all_inner_texts())


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_scrolls_tables_and_never_the_page(opened, width):
    page = opened(width, 844, has_touch=True)
    for part in page.locator("details").all():
        part.evaluate("part => { part.open = true; }")
    page.locator("table.languages tbody tr").first.wait_for()

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".box:has(table.scores)").first.evaluate("box => box.scrollWidth > box.clientWidth")


def test_what_a_row_is_stays_in_sight_beside_its_numbers(opened):
    page = opened(390, 844)
    box = page.locator(".box:has(table.scores)").first
    box.evaluate("box => { box.scrollLeft = 10000; }")
    left = page.locator("table.scores tbody th.intermediate").first.bounding_box()["x"]

    assert 0 <= left < 390 / 2


def test_dark_is_dark(opened):
    page = opened(color_scheme="dark")
    grounds = page.evaluate(
        "[document.body, document.querySelector('tbody th')].map(e => getComputedStyle(e).backgroundColor)"
    )

    assert grounds == ["rgb(22, 24, 27)"] * 2


def test_print_leaves_out_what_only_a_screen_can_do(opened):
    page = opened()
    page.emulate_media(media="print")

    assert not page.locator("#filter").is_visible()
    assert page.locator("table.scores").first.is_visible()


def test_without_a_script_tables_and_figures_are_there(opened):
    page = opened(java_script_enabled=False)

    assert not page.locator("#filter").is_visible()
    assert page.locator("table.scores tbody tr").first.is_visible()
    assert page.locator("figure svg").first.is_visible()
    page.locator("details.languages summary").first.click()
    assert "leaderboard.md has the same numbers" in page.locator(".without-script").first.inner_text()
