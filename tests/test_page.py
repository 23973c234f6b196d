"""`index.html`: it shows what the leaderboard shows, needs nothing else, and whatever a row says stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from bench.report.directory import write_reports
from bench.report.leaderboard import LANGUAGES_PART, contents
from bench.report.ledger import Ledger, LedgerEntry
from bench.report.page.inlined import inlined
from bench.report.page.languages import joined
from bench.report.page.markup import prose, script_json, shown, table_html
from bench.report.page.page import page
from bench.report.parts import Table
from bench.report.tables import MISSING, visible
from tests.row_factory import LANGUAGES, STUDY, estimate, make_row, make_rows

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'&amp;`|\u202e\u2028"
VOID = {"meta", "link"}


class Elements(HTMLParser):
    """Tags with their attributes, the text of scripts, ids, and whether elements are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.text, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] == "script" else self.text).append(data)

    def values(self, name):
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def ledger_of(rows, *further):
    return Ledger().merged([*(LedgerEntry(row.id, "run", "", row.study) for row in rows), *further])


def page_of(rows, *further, figures=None, links=()):
    return page(contents(rows, ledger_of(rows, *further), LANGUAGES), figures or {}, links)


def test_whatever_a_row_or_a_reason_says_stays_text():
    view = {"n": 4, "groups": 2, "metrics": {"gap": estimate(0.1)}, "transfer": None, "pairing": None}
    changes = {"flags": [HOSTILE], "protocol": HOSTILE, "throughput_note": HOSTILE, "split": HOSTILE}
    rows = make_rows(**changes, views={HOSTILE: view}, baseline={"name": HOSTILE, "score": "f1", "value": 0.1})
    rows += [make_row(recalibration=HOSTILE, language=language, **changes) for language in ("en", "sw")]
    text = page_of(rows, LedgerEntry("a-none-xnli-sw-s0", "failed", HOSTILE, STUDY), links=[HOSTILE])
    found = Elements(text)

    assert not {"img", "object", "iframe"} & {tag for tag, _ in found.tags}
    assert sum(tag == "script" for tag, _ in found.tags) == 2
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert found.open == []
    # Protocol and split in the title, flag in the notes, note on throughput, view, recalibration, reason, link.
    assert "".join(found.text).count(visible(HOSTILE)) >= 8


def test_a_page_asks_nothing_of_any_network():
    found = Elements(page_of(make_rows(), links=["leaderboard.md"]))
    style = next(iter(re.findall(r"<style>(.*?)</style>", page_of(make_rows()), re.DOTALL)))

    assert not re.search(r"url\(|@import|https?:", style)
    assert found.values("src") == []
    assert {value for value in found.values("href") if not value.startswith("#")} == {"data:,", "leaderboard.md"}


def test_no_script_runs_but_the_pages_own():
    text = page_of(make_rows())
    found = Elements(text)
    policy = next(each["content"] for tag, each in found.tags if tag == "meta" and "http-equiv" in each)
    digest = base64.b64encode(hashlib.sha256(found.scripts[-1].encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def test_equal_rows_in_any_order_give_equal_bytes():
    rows = [*make_rows(seed=0), *make_rows(seed=1), *make_rows(intermediate="snli", nll=0.5)]

    assert page_of(rows) == page_of(rows[::-1])


def test_coverage_is_first_and_in_it_what_is_missing():
    text = page_of(make_rows(), LedgerEntry("xlmr_xl-none-xnli-sw-s0", "skipped", "needs gpu: there is none", STUDY))
    words = (
        "7 selected cases",
        "Not scored, and why",
        "needs gpu: there is none",
        "By study and model",
        "Ranked by NLL",
    )

    assert [text.index(word) for word in words] == sorted(text.index(word) for word in words)


def test_rows_by_language_are_the_cells_of_the_leaderboard():
    rows = [*make_rows(), *make_rows(model="xlmr_large")]
    found = contents(rows, ledger_of(rows), LANGUAGES)
    (data,) = json.loads(Elements(page(found, {}, [])).scripts[0]).values()
    (part,) = [part for _, parts in found.sections for part in parts if part.title == LANGUAGES_PART]
    expected = [
        {"model": table.caption, **dict(zip(table.headers, row, strict=True))}
        for table in part.tables
        for row in table.rows
    ]

    assert [dict(zip(data["headers"], row, strict=True)) for row in data["rows"]] == expected
    assert data["headers"][:4] == ["language", "model", "intermediate", "group"]


def test_a_column_that_one_model_lacks_is_a_dash_there():
    tables = [
        Table(["intermediate", "language", "acc"], [["none", "sw", "1"]], 2, "a"),
        Table(["intermediate", "language", "acc", "true ECE"], [["snli", "tr", "2", "3"]], 2, "b"),
        Table(["intermediate", "language"], [], 2, "c"),
    ]

    found = joined(tables)
    assert found.headers == ["language", "model", "intermediate", "acc", "true ECE"]
    assert found.rows == [["sw", "a", "none", "1", MISSING], ["tr", "b", "snli", "2", "3"]]
    assert found.left == 3
    assert joined([]) is None


def test_every_mark_leads_to_its_note_and_no_id_is_there_twice():
    svg = '<?xml version="1.0"?>\n<svg id="a"><defs><path id="m"/></defs><use xlink:href="#m"/></svg>'
    rows = [*make_rows(flags=["subset", "capped"]), *make_rows(study="cd" * 32, flags=["tlm"])]
    found = Elements(page_of(rows, figures={"one.svg": svg, "two.svg": svg}))
    ids = found.values("id")

    assert len(ids) == len(set(ids))
    targets = [value[1:] for value in found.values("href") + found.values("xlink:href") if value.startswith("#")]
    assert sum("-note-" in target for target in targets) == 3 + 2
    assert set(targets) <= set(ids)


def test_a_figure_stands_in_its_section_and_any_other_at_the_end():
    rows = make_rows()
    (section,) = [section for section, _ in contents(rows, Ledger(), LANGUAGES).sections]
    svg = "<svg><text>{}</text></svg>"
    text = page_of(rows, figures={f"gap-{section.slug}.svg": svg.format("own"), "slopes.svg": svg.format("other")})

    assert (
        text.index("<text>own")
        < text.index("By language (")
        < text.index("Further figures")
        < text.index("<text>other")
    )


def test_an_inlined_figure_keeps_nothing_of_the_file_around_it():
    svg = (
        '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "x"\n "y">\n<svg viewBox="0 0 1 1">\n<metadata><a/></metadata>\n'
        '<g id="g" clip-path="url(#c)"/></svg>\n'
    )

    assert inlined(svg, 3, "l") == (
        '<svg role="img" aria-label="l" viewBox="0 0 1 1">\n<g id="f3-g" clip-path="url(#f3-c)"/></svg>'
    )


def test_a_page_without_rows_is_a_page_too():
    found = Elements(page_of([]))

    assert "There are no rows yet." in "".join(found.text)
    assert json.loads(found.scripts[0]) == {}


def test_reports_link_what_is_there(tmp_path):
    rows = make_rows()
    written = write_reports(rows, ledger_of(rows), tmp_path)
    links = Elements(written[-1].read_text()).values("href")

    assert written[-1] == tmp_path / "index.html"
    assert "leaderboard.md" in links
    assert "results.jsonl" not in links
    assert "<svg role=" in written[-1].read_text()


@pytest.mark.parametrize("text", [HOSTILE, "</script>", "<!--", "\u2029", "a\nb"])
def test_json_in_a_script_is_read_back_and_ends_no_script(text):
    written = script_json([text])

    assert json.loads(written) == [text]
    assert not re.search("[<>&\u2028\u2029]", written)


def test_prose_marks_code_and_nothing_else():
    assert prose("`a<b` & _c_") == "<code>a&lt;b</code> &amp; _c_"
    assert shown('x"\ty\x1b') == "x&quot; y\N{REPLACEMENT CHARACTER}"


def test_a_table_says_which_columns_are_words():
    text = table_html(Table(["#", "model", "NLL", "notes"], [["1", "a", "0.5", "¹ ¹²"]], 2, "t"), "s")

    assert '<th scope="col" class="w">#</th><th scope="col" class="model w">model</th><th scope="col">NLL</th>' in text
    assert '<td class="w">1</td><th scope="row" class="model w">a</th><td>0.5</td>' in text
    assert '<td><a href="#s-note-1">¹</a> <a href="#s-note-12">¹²</a></td>' in text
