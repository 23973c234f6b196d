"""Assemble the page out of the contents of the leaderboard, the figures beside it and the names of other pages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from bench.report.frame import FRAME_READING
from bench.report.leaderboard import LANGUAGES_PART, NOTES_PART, READING, SCORES_PART, TITLE, Contents, introduction
from bench.report.page.inlined import inlined
from bench.report.page.languages import joined
from bench.report.page.markup import headers_html, prose, script_json, shown, table_html
from bench.report.parts import Part, Table
from bench.report.sections import Section
from bench.small_files import read_text, replace_text

PAGE = "index.html"
_FILTERS = ("target", "model", "intermediate", "language")


def write_page(found: Contents, output: Path, beside: Sequence[Path]) -> Path:
    """Write the page to `output`: SVG files of `beside` are shown in it, to all others in `output` it links."""
    figures = {path.name: read_text(path) for path in beside if path.suffix == ".svg"}
    links = [path.name for path in beside if path.name not in figures and path.parent == output]
    path = output / PAGE
    replace_text(path, page(found, figures, links))
    return path


def page(found: Contents, figures: Mapping[str, str], links: Sequence[str]) -> str:
    """Return the page: `figures` maps names of SVG files to their text, `links` are names of files beside the page."""
    script = _asset("page.js")
    shown_in = {name: _figure(name, svg, place) for place, (name, svg) in enumerate(sorted(figures.items()), start=1)}
    bodies = [_section(section, parts, shown_in) for section, parts in found.sections]
    answers = [html for name, html in shown_in.items() if _is_answer(name)]
    shown_elsewhere = {name for name in shown_in if any(_is_of(name, one) for one, _ in found.sections)}
    others = [html for name, html in shown_in.items() if not _is_answer(name) and name not in shown_elsewhere]
    return Template(_asset("page.html")).substitute(
        title=shown(TITLE),
        evidence=shown(found.evidence),
        style=_asset("page.css"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        links=_links(links),
        answer=f'<section id="answer">\n<h2>The tests</h2>\n{"".join(answers)}\n</section>' if answers else "",
        coverage=_coverage(found.coverage, found.counts),
        frames=_frames(found.frames),
        filters=_filters(found),
        reading=prose(READING) if found.sections else "",
        contents=_contents(found),
        sections="\n".join(bodies) or "<p>There are no rows yet.</p>",
        figures=f'<section id="figures">\n<h2>Further figures</h2>\n{"".join(others)}\n</section>' if others else "",
        data=script_json(_language_data(found)),
    )


def _asset(name: str) -> str:
    return files("bench.report.page").joinpath(name).read_text(encoding="utf-8")


def _links(names: Iterable[str]) -> str:
    items = "".join(f'<li><a href="{shown(name)}">{shown(name)}</a></li>' for name in names)
    return f'<nav aria-label="Beside this page"><ul class="links">{items}</ul></nav>' if items else ""


def _coverage(part: Part, counts: Mapping[str, int]) -> str:
    bar = "".join(
        f'<span class="{status}" style="flex-grow:{count}"></span>' for status, count in counts.items() if count
    )
    legend = "".join(
        f'<li><span class="key {status}"></span>{status} {count}</li>' for status, count in counts.items() if count
    )
    glance = (
        f'<div class="bar" aria-hidden="true">{bar}</div>\n<ul class="legend">{legend}</ul>\n' if part.tables else ""
    )
    # Reasons first: what is missing is what a reader must know.
    tables = [_coverage_table(table) for table in reversed(part.tables)]
    return f'<p class="glance">{shown(part.text)}</p>\n{glance}{"".join(tables)}'


def _coverage_table(table: Table) -> str:
    title = "Not scored, and why" if "reason" in table.headers else "By study and model"
    return f"<h3>{title}</h3>\n{table_html(table, '', title)}\n"


def _frames(tables: Sequence[Table]) -> str:
    if not tables:
        return ""
    parts = [f"<p>{shown(table.caption)}.</p>\n{table_html(table, '', table.caption)}" for table in tables]
    heading = f"<h2>Intermediate and target tasks</h2>\n<p>{prose(FRAME_READING)}</p>"
    return "\n".join(['<section id="frame">', heading, *parts, "</section>"])


def _contents(found: Contents) -> str:
    if len(found.sections) < 2:
        return ""
    items = "".join(f'<li><a href="#{section.slug}">{shown(section.title)}</a></li>' for section, _ in found.sections)
    return f'<nav aria-label="Results"><ul>{items}</ul></nav>'


def _filters(found: Contents) -> str:
    choices = _choices(found)
    return "\n".join(
        f'<label>{name} <select name="{name}"><option value="">all</option>{_options(choices[name])}</select></label>'
        for name in _FILTERS
    )


def _options(choices: Mapping[str, str]) -> str:
    return "".join(f'<option value="{shown(value)}">{shown(text)}</option>' for value, text in choices.items())


def _choices(found: Contents) -> dict[str, dict[str, str]]:
    """Return for each filter its values with the words they are shown by, in the order of the tables."""
    choices: dict[str, dict[str, str]] = {name: {} for name in _FILTERS}
    for section, _ in found.sections:
        choices["target"][section.target] = section.target
        choices["model"] |= {model: model for model in section.models}
        choices["intermediate"] |= {line.intermediate: line.intermediate for line in section.lines}
        present = _present(section)
        choices["language"] |= {
            info.token: f"{info.token} {info.name}" if info.name != info.token else info.token
            for info in section.languages
            if info.token in present
        }
    return choices


def _present(section: Section) -> set[str]:
    return {row.condition.language for line in section.lines for row in line.rows}


def _section(section: Section, parts: Sequence[Part], figures: Mapping[str, str]) -> str:
    own = "".join(html for name, html in figures.items() if _is_of(name, section))
    scores, *further = (_part(part, section.slug) for part in parts if part)
    bodies = "\n".join([scores, own, *further])
    languages = shown(" ".join(sorted(_present(section))))
    return (
        f'<section class="result" id="{section.slug}" data-target="{section.target}" data-languages="{languages}">\n'
        f"<h2>{shown(section.title)}</h2>\n<p>{prose(introduction(section))}</p>\n{bodies}\n</section>"
    )


def _is_of(name: str, section: Section) -> bool:
    return section.slug in name


def _is_answer(name: str) -> bool:
    return name.startswith("answer-")


def _part(part: Part, slug: str) -> str:
    if part.title == SCORES_PART:
        return table_html(part.tables[0], slug, "Scores").replace('class="sortable"', 'class="sortable scores"', 1)
    if part.title == LANGUAGES_PART:
        return _languages(part, slug)
    if part.title == NOTES_PART:
        items = "".join(
            f'<li id="{slug}-note-{number}">{shown(item)}</li>' for number, item in enumerate(part.items, start=1)
        )
        return f'<h3>{part.title}</h3>\n<ul class="notes">{items}</ul>'
    text = f"<p>{prose(part.text)}</p>\n" if part.text else ""
    tables = "\n".join(table_html(table, slug, part.title) for table in part.tables)
    items = "".join(f"<li>{shown(item)}</li>" for item in part.items)
    listed = f"<ul>{items}</ul>" if items else ""
    return f"<details>\n<summary>{shown(part.title)}</summary>\n{text}{tables}{listed}\n</details>"


def _languages(part: Part, slug: str) -> str:
    table = joined(part.tables)
    if table is None:
        return ""
    return (
        f'<details class="languages">\n<summary>{part.title} ({len(table.rows)} rows)</summary>\n'
        '<p class="without-script">The script of this page fills this table; without it, leaderboard.md has the same '
        "numbers.</p>\n"
        f'<div class="box" tabindex="0" role="region" aria-label="{part.title}"><table class="sortable languages" '
        f'data-section="{slug}" hidden>\n<thead><tr>{headers_html(table)}</tr></thead>\n<tbody></tbody></table></div>\n'
        "</details>"
    )


def _language_data(found: Contents) -> dict[str, dict[str, object]]:
    """Return the rows by language of every section: what `leaderboard.md` shows, cell by cell."""
    data = {}
    for section, parts in found.sections:
        tables = [table for part in parts if part.title == LANGUAGES_PART for table in part.tables]
        if table := joined(tables):
            data[section.slug] = {"headers": table.headers, "left": table.left, "rows": table.rows}
    return data


def _figure(name: str, svg: str, place: int) -> str:
    label, file = shown(name.removesuffix(".svg")), shown(name)
    return (
        f'<figure>\n<div class="box" tabindex="0" role="region" aria-label="{label}">\n{inlined(svg, place, label)}'
        f'</div>\n<figcaption><a href="{file}">{file}</a></figcaption>\n</figure>\n'
    )
