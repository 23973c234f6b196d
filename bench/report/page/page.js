"use strict";
(() => {
  const MISSING = "–";
  const MARKS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const ROW_HEADERS = ["model", "intermediate", "language"];
  const LANGUAGES = JSON.parse(document.getElementById("rows").textContent);
  const collator = new Intl.Collator("en", { numeric: true });
  const form = document.getElementById("filter");
  const status = document.getElementById("status");

  // Sorting: the keys are the numbers as they are shown, and what is missing is last whichever the direction.
  function key(text, words) {
    if (text === "" || text === MISSING) return null;
    const number = words ? null : text.match(/(?:^|\s)([+-]?[\d,]*\.?\d+)/);
    return number ? Number(number[1].replaceAll(",", "")) : text;
  }

  function compare(a, b, sign) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * collator.compare(String(a), String(b));
  }

  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

  function sort(table, head, place) {
    const order = NEXT[head.getAttribute("aria-sort") ?? "none"];
    for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
    if (order !== "none") head.setAttribute("aria-sort", order);
    reorder(table, order, head.classList.contains("w"), place);
    const name = head.textContent;
    status.textContent = order === "none" ? "Back in the first order." : `Sorted by ${name}, ${order}.`;
  }

  function reorder(table, order, words, place) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const first = (row) => Number(row.dataset.place);
    if (order === "none") {
      rows.sort((a, b) => first(a) - first(b));
    } else {
      const sign = order === "ascending" ? 1 : -1;
      const keys = new Map(rows.map((row) => [row, key(row.cells[place].textContent, words)]));
      rows.sort((a, b) => compare(keys.get(a), keys.get(b), sign) || first(a) - first(b));
    }
    body.append(...rows);
  }

  function makeSortable(table) {
    number(table);
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => sort(table, head, place));
    });
  }

  function number(table) {
    [...table.tBodies[0].rows].forEach((row, place) => { row.dataset.place = place; });
  }

  // Tables by language: rows come from the data when their part is opened for the first time.
  function fill(table) {
    const { headers, left, rows } = LANGUAGES[table.dataset.section];
    table.tBodies[0].append(...rows.map((row) => {
      const line = document.createElement("tr");
      line.append(...row.map((text, place) => cell(text, headers[place], place < left, table.dataset.section)));
      return line;
    }));
    table.hidden = false;
    number(table);
    filterRows(table);
  }

  function cell(text, header, words, section) {
    const isHeader = words && ROW_HEADERS.includes(header);
    const made = document.createElement(isHeader ? "th" : "td");
    if (isHeader) made.scope = "row";
    made.className = (isHeader ? `${header} ` : "") + (words ? "w" : "");
    if (header === "notes") made.append(...marks(text, section));
    else made.textContent = text;
    return made;
  }

  function marks(text, section) {
    return text.split(" ").filter(Boolean).flatMap((mark) => {
      const link = document.createElement("a");
      link.href = `#${section}-note-${[...mark].map((digit) => MARKS.indexOf(digit)).join("")}`;
      link.textContent = mark;
      explain(link);
      return [link, " "];
    });
  }

  function explain(link) {
    const note = document.getElementById(link.hash.slice(1));
    if (note) link.title = note.textContent;
  }

  // Filters: a row is shown when each of its cells that a filter speaks of begins with the chosen word.
  const chosen = (name) => form.elements[name].value;

  function matches(text, value) {
    return value === "" || text === value || text.startsWith(`${value} `);
  }

  function filterRows(table) {
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
    const checks = ROW_HEADERS.map((name) => [heads.indexOf(name), chosen(name)]).filter(([place]) => place >= 0);
    let count = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !checks.every(([place, value]) => matches(row.cells[place].textContent, value));
      count += !row.hidden;
    }
    return count;
  }

  function filterSection(section) {
    const counts = [...section.querySelectorAll("table.sortable")].map(filterRows);
    const language = chosen("language");
    const apart = (chosen("target") !== "" && section.dataset.target !== chosen("target"))
      || (language !== "" && !section.dataset.languages.split(" ").includes(language));
    section.hidden = apart || counts[0] === 0;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.getAttribute("href") === `#${section.id}`) link.parentElement.hidden = section.hidden;
    }
    return section.hidden ? 0 : counts[0];
  }

  function filter() {
    const sections = [...document.querySelectorAll(".result")];
    const lines = sections.map(filterSection).reduce((sum, count) => sum + count, 0);
    const open = sections.filter((section) => !section.hidden);
    if (chosen("language") !== "") {
      for (const section of open) section.querySelector("details.languages").open = true;
    }
    const means = chosen("language") === "" ? "" : " The language chooses rows by language; the other tables are means over languages.";
    status.textContent = `Shown: ${open.length} of ${sections.length} tables of results; lines: ${lines}.${means}`;
  }

  for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
  for (const link of document.querySelectorAll("td a")) explain(link);
  for (const notice of document.querySelectorAll(".without-script")) notice.remove();
  for (const part of document.querySelectorAll("details.languages")) {
    const table = part.querySelector("table");
    part.addEventListener("toggle", () => {
      if (part.open && table.hidden) fill(table);
    });
  }
  if (document.querySelector(".result")) {
    form.hidden = false;
    form.addEventListener("change", filter);
    form.addEventListener("reset", () => setTimeout(filter));
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }
})();
