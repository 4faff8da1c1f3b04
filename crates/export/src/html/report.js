
"use strict";
// Everything that a log had a say in is set as text: never as markup, never as code.
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const LEVELS = ["Critical", "High", "Medium", "Low"];
  const PAGE = 60; // Rows added at a time.
  const PRINTED_MAX = 300; // Findings on paper,
  const PRINTED_WHOLE_MAX = 40; // and how many of them in full.
  const UNITS = 100000;

  const make = (tag, name, ...children) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  };
  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
  const counted = (number, thing) => `${grouped(number)} ${thing}${number === 1 ? "" : "s"}`;
  const iso = (ms) => { const date = new Date(ms); return isNaN(date) ? `${ms} ms` : date.toISOString().replace("T", " "); };
  const minute = (ms) => iso(ms).slice(0, 16);

  // Theme and print.
  const theme = byId("theme");
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { theme.textContent = dark() ? "Light" : "Dark"; theme.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`); };
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; nameTheme(); });
  nameTheme();
  byId("print").addEventListener("click", () => print());
  theme.hidden = byId("print").hidden = false;

  if (!data.findings.length) return zoomable();

  // The list and its filters.
  const list = byId("list"), more = byId("more"), shown = byId("shown"), chips = byId("chips"), search = byId("q");
  const form = document.querySelector(".filters");
  form.hidden = false;
  const indexOf = new Map(data.findings.map((finding, index) => [finding.i, index]));
  const shared = data.entities.map(() => 0); // Findings of each.
  data.findings.forEach((finding) => finding.e.forEach((index) => { shared[index]++; }));
  const further = new Map(); // Filters that have no control of their own: name of the filter, to [label, test].
  let matching = [], drawn = 0;

  const fill = (select, pairs) => pairs.forEach(([value, label]) => select.append(new Option(label, value)));
  const distinct = (key) => [...new Set(data.findings.map((finding) => finding[key]))].filter(Boolean).sort();
  const types = data.types.map((type, index) => [index, type.n]).sort((one, other) => (one[1] < other[1] ? -1 : 1));
  fill(byId("by-type"), types);
  fill(byId("by-tactic"), data.tactics);
  fill(byId("by-account"), distinct("a").map((name) => [name, name]));
  fill(byId("by-region"), distinct("g").map((name) => [name, name]));

  const haystack = (finding) => finding.S ??= [
    finding.h, finding.d, finding.w, finding.p, finding.a, finding.g, finding.i, data.types[finding.t].n, ...finding.y,
    ...finding.e.map((index) => data.entities[index]), ...finding.o.map((index) => data.places[index]),
    ...finding.x.flatMap(([, lines]) => lines.flat()),
  ].join("\n").toLowerCase();

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const levels = new Set([...form.elements.level].filter((box) => box.checked).map((box) => Number(box.value)));
    const [type, tactic, account, region] = ["type", "tactic", "account", "region"].map((name) => byId(`by-${name}`).value);
    matching = data.findings.filter((finding) =>
      levels.has(finding.l)
      && (type === "" || finding.t === Number(type))
      && (tactic === "" || data.types[finding.t].t.some(([id]) => id === tactic))
      && (account === "" || finding.a === account)
      && (region === "" || finding.g === region)
      && [...further.values()].every(([, test]) => test(finding))
      && words.every((word) => haystack(finding).includes(word)));
    list.replaceChildren();
    drawn = 0;
    draw(PAGE);
    chips.replaceChildren(...[...further].map(([key, [label]]) => {
      const button = make("button", "", `${label} ×`);
      button.type = "button";
      button.setAttribute("aria-label", `Remove the filter ${label}`);
      button.addEventListener("click", () => { further.delete(key); filter(); });
      return make("li", "", button);
    }));
    const all = data.findings.length;
    shown.textContent = matching.length === all ? `${counted(all, "finding")}, the worst first` : `${grouped(matching.length)} of ${counted(all, "finding")}`;
  }

  function draw(count) {
    const end = Math.min(drawn + count, matching.length);
    list.append(...matching.slice(drawn, end).map(row));
    drawn = end;
    more.hidden = drawn >= matching.length;
    more.textContent = `Show more (${grouped(matching.length - drawn)} left)`;
  }

  function row(finding) {
    const type = data.types[finding.t];
    const who = [finding.w, finding.p].filter(Boolean).join(" · ");
    const summary = make("summary", "",
      make("span", "", make("span", `badge s${finding.l}`, LEVELS[finding.l])),
      make("span", "", make("span", "what", finding.h), make("div", "sub", who), make("div", "sub mono", type.n)),
      make("span", "right", minute(finding.u), make("div", "", finding.k ? "archived" : ""), make("div", "", finding.c > 1 ? `${grouped(finding.c)} times` : ""), make("div", "", finding.a), make("div", "", finding.g)));
    const details = make("details", `finding s${finding.l}`, summary);
    details.addEventListener("toggle", () => { if (details.open) unfold(details, finding); });
    const item = make("li", "", details);
    item.id = `f-${finding.i}`;
    return item;
  }

  function unfold(details, finding) {
    if (details.querySelector(".body")) return;
    const type = data.types[finding.t];
    const body = make("div", "body");
    const part = (title, wide, ...children) => {
      const kept = children.filter(Boolean);
      if (kept.length) body.append(make("div", wide, make("h3", "", title), ...kept));
    };
    const items = (texts) => (texts.length ? make("ul", "", ...texts.map((text) => make("li", "", text))) : null);
    const paragraph = (text) => (text ? make("p", "", text) : null);
    part("What happened", "", paragraph(finding.d || finding.h), type.d ? make("p", "dim", `Amazon describes the type so: ${type.d}`) : null);
    part("What to do", "do", paragraph(type.r || "The catalogue has no advice for this type."));
    part("Why this severity", "", paragraph(`${LEVELS[finding.l]}, ${finding.s} of 10.`), items(finding.y),
      type.v.length ? make("p", "dim", `The severity of this type depends on context: ${type.v.join(", ")}.`) : null);
    part("What is normal", "", paragraph(type.b), related(finding));
    part("What is not known", "", items(finding.m));
    for (const [title, lines] of finding.x) {
      const pairs = lines.filter(Array.isArray), texts = lines.filter((line) => !Array.isArray(line));
      const table = make("dl", "pairs", ...pairs.flatMap(([label, text]) => [make("dt", "", label), make("dd", "", text)]));
      part(title, "", pairs.length ? table : null, items(texts));
    }
    part("When", "", make("dl", "pairs", ...[["First seen", iso(finding.f)], ["Last seen", iso(finding.u)], ["Count", grouped(finding.c)]]
      .flatMap(([label, text]) => [make("dt", "", label), make("dd", "", text)])));
    if (type.q.length || type.t.length) {
      const links = type.q.flatMap((id, index) => [index ? ", " : "", mitre(id, `techniques/${id.replace(".", "/")}/`)]);
      const tactics = type.t.flatMap(([id, name], index) => [index ? ", " : "", mitre(`${name} (${id})`, `tactics/${id}/`)]);
      part("MITRE ATT&CK", "", make("dl", "pairs", ...(tactics.length ? [make("dt", "", "Tactics"), make("dd", "", ...tactics)] : []),
        ...(links.length ? [make("dt", "", "Techniques"), make("dd", "", ...links)] : [])));
    }
    evidence(finding, part);
    body.append(make("p", "wide dim mono", `id ${finding.i}`, finding.z ? " · shortened here; the findings file has it whole" : ""));
    details.append(body);
  }

  // How many other findings share who or what it is about, as links to them.
  function related(finding) {
    const links = finding.e.filter((index) => shared[index] > 1).map((index) => {
      const link = make("a", "filter", `${counted(shared[index] - 1, "other finding")} about ${data.entities[index]}`);
      link.href = "#findings";
      link.dataset.entity = index;
      return make("li", "", link);
    });
    return links.length ? make("ul", "", ...links) : null;
  }

  function mitre(text, path) {
    const link = make("a", "", text);
    link.href = `https://attack.mitre.org/${path}`;
    link.rel = "noreferrer noopener";
    return link;
  }

  function evidence(finding, part) {
    const records = finding.r.map(([time, file, position, hash, text, whole]) => make("div", "record",
      make("div", "where", `${iso(time)} · ${data.files[file]} · position ${grouped(position)}`),
      make("pre", "", indented(text) + (whole ? "" : "\n[cut here; the findings file has it whole]")),
      make("div", "where mono", `SHA-256 ${hash}`)));
    records.forEach((record) => { record.querySelector("pre").tabIndex = 0; });
    const left = finding.n - finding.r.length;
    const sentence = finding.n === 0 ? "The finding carries no record." : `${counted(finding.n, "record")}${left > 0 ? `, of which ${finding.r.length ? `${grouped(finding.r.length)} shown` : "none is shown"} here; the findings file keeps the first and the last` : ""}.`;
    part("Evidence", "wide", make("p", "dim", sentence), ...records);
  }

  // Line breaks for JSON without parsing it: keys, numbers and escapes stay as they stood.
  function indented(text) {
    if (!/^[[{]/.test(text)) return text;
    let out = "", depth = 0, quoted = false;
    for (let at = 0; at < text.length; at++) {
      const sign = text[at];
      if (quoted) {
        out += sign;
        if (sign === "\\") out += text[++at] ?? "";
        else if (sign === "\"") quoted = false;
      } else if (sign === "\"") { quoted = true; out += sign; }
      else if (sign === "{" || sign === "[") {
        const closes = text[at + 1] === "}" || text[at + 1] === "]";
        if (closes) out += sign + text[++at];
        else out += `${sign}\n${"  ".repeat(++depth)}`;
      } else if (sign === "}" || sign === "]") out += `\n${"  ".repeat(depth = Math.max(0, depth - 1))}${sign}`;
      else if (sign === ",") out += `,\n${"  ".repeat(depth)}`;
      else if (sign === ":") out += ": ";
      else if (sign !== " ") out += sign;
    }
    return out;
  }

  // Opens a finding, wherever it is in the list.
  function open(id) {
    const index = indexOf.get(id);
    if (index === undefined) return;
    let at = matching.indexOf(data.findings[index]);
    if (at < 0) { clear(); at = index; }
    if (at >= drawn) draw(at + 1 - drawn);
    const item = byId(`f-${id}`), details = item.firstChild;
    details.open = true;
    unfold(details, data.findings[index]);
    item.scrollIntoView({ block: "start" });
    details.firstChild.focus({ preventScroll: true });
  }
  const openHash = () => { if (location.hash.startsWith("#f-")) open(location.hash.slice(3)); };

  function clear() { form.reset(); further.clear(); filter(); }
  function only(act) {
    form.reset();
    further.clear();
    act();
    filter();
    byId("findings").scrollIntoView();
    byId("findings-title").focus({ preventScroll: true });
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", clear);
  let wait;
  form.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(filter, 120); });
  more.addEventListener("click", () => {
    const first = drawn;
    draw(PAGE * 4);
    list.children[first]?.querySelector("summary").focus({ preventScroll: true });
  });
  new IntersectionObserver((entries) => { if (entries[0].isIntersecting && drawn < matching.length) draw(PAGE); }, { rootMargin: "400px" }).observe(more);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.filter");
    if (link) {
      event.preventDefault();
      const { entity, place, type, tactic, level } = link.dataset;
      only(() => {
        if (entity !== undefined) further.set("entity", [data.entities[entity], (finding) => finding.e.includes(Number(entity))]);
        if (place !== undefined) further.set("place", [data.places[place], (finding) => finding.o.includes(Number(place))]);
        if (type !== undefined) byId("by-type").value = type;
        if (tactic !== undefined) byId("by-tactic").value = tactic;
        if (level !== undefined) for (const box of form.elements.level) box.checked = box.value === level;
      });
      return;
    }
    const jump = event.target.closest("a[href^='#f-']");
    if (jump) {
      event.preventDefault();
      history.replaceState(null, "", jump.getAttribute("href"));
      open(jump.getAttribute("href").slice(3));
    }
  });
  addEventListener("hashchange", openHash);

  // A print shows the chosen findings in full, and says where it stops.
  let opened = [], said = "";
  addEventListener("beforeprint", () => {
    draw(Math.max(0, Math.min(PRINTED_MAX, matching.length) - drawn));
    [...list.children].slice(0, PRINTED_WHOLE_MAX).forEach((item, index) => {
      const details = item.firstChild;
      if (!details.open) opened.push(details);
      details.open = true;
      unfold(details, matching[index]);
    });
    [...list.children].slice(PRINTED_MAX).forEach((item) => item.classList.add("unprinted"));
    said = shown.textContent;
    if (matching.length > PRINTED_WHOLE_MAX) shown.textContent += `; on paper the first ${PRINTED_WHOLE_MAX} in full${matching.length > PRINTED_MAX ? ` and the first ${PRINTED_MAX} in short` : ", the others in short"}`;
  });
  addEventListener("afterprint", () => { opened.forEach((details) => { details.open = false; }); opened = []; shown.textContent = said; });

  filter();
  zoomable();
  openHash();

  // The timeline: what part of it is looked at, in its units.
  function zoomable() {
    const plot = byId("plot"), axis = byId("axis"), brush = byId("brush"), under = byId("under");
    if (!plot) return;
    const pictures = [...plot.querySelectorAll("svg.tl")];
    const time = (unit) => data.from + (unit / UNITS) * data.length;
    const unit = (ms) => ((ms - data.from) / data.length) * UNITS;
    let from = 0, to = UNITS;
    const STEPS = [1e3, 5e3, 15e3, 6e4, 3e5, 9e5, 18e5, 36e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 3456e5, 6048e5, 12096e5, 2592e6, 7776e6, 15552e6, 31536e6, 15768e7];
    function look(start, end) {
      const least = Math.max(UNITS / 1000, (1000 / data.length) * UNITS);
      const width = Math.min(UNITS, Math.max(least, end - start));
      from = Math.min(Math.max(0, start), UNITS - width);
      to = from + width;
      for (const picture of pictures) {
        const box = picture.viewBox.baseVal;
        box.x = from;
        box.width = width;
      }
      const room = axis.clientWidth || 800;
      const span = time(to) - time(from);
      const step = STEPS.find((size) => span / size <= room / 95) ?? span / 3;
      axis.replaceChildren();
      for (let at = Math.ceil(time(from) / step) * step; at <= time(to); at += step) {
        const share = (unit(at) - from) / width;
        if (share < 0.03 || share > 0.97) continue;
        const text = iso(at);
        const tick = make("span", "tick", step >= 864e5 || at % 864e5 === 0 ? text.slice(0, 10) : text.slice(11, step < 6e4 ? 19 : 16));
        tick.style.left = `${share * 100}%`;
        axis.append(tick);
      }
      under.textContent = `${minute(time(from))} to ${minute(time(to))} UTC`;
    }
    const acts = {
      in: () => look(from + (to - from) / 4, to - (to - from) / 4),
      out: () => look(from - (to - from) / 2, to + (to - from) / 2),
      left: () => { const move = (to - from) / 4; look(from - move, to - move); },
      right: () => { const move = (to - from) / 4; look(from + move, to + move); },
      all: () => look(0, UNITS),
      list: () => {
        const [start, end] = [time(from), time(to)];
        only(() => further.set("time", [`${minute(start)} to ${minute(end)}`, (finding) => finding.u >= start && finding.f <= end]));
      },
    };
    const buttons = document.querySelector(".zoom");
    buttons.hidden = false;
    buttons.addEventListener("click", (event) => acts[event.target.dataset.zoom]?.());
    if (!data.findings.length) buttons.querySelector("[data-zoom=list]").remove();
    plot.tabIndex = 0;
    plot.addEventListener("keydown", (event) => {
      const act = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "all" }[event.key];
      if (act) { event.preventDefault(); acts[act](); }
    });
    const area = () => axis.getBoundingClientRect();
    const unitAt = (x) => from + ((x - area().left) / area().width) * (to - from);
    plot.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const middle = unitAt(event.clientX), by = event.deltaY < 0 ? 0.7 : 1.4;
      look(middle - (middle - from) * by, middle + (to - middle) * by);
    }, { passive: false });
    const nearest = (event) => {
      const svg = event.target.closest(".marks");
      if (!svg) return null;
      const level = LEVELS.findIndex((_, rank) => svg.querySelector(`.s${rank}`));
      const at = time(unitAt(event.clientX)), reach = ((time(to) - time(from)) / area().width) * 10;
      let best = null, distance = reach;
      for (const finding of data.findings) {
        if (finding.l !== level) continue;
        const off = Math.max(finding.f - at, at - finding.u, 0);
        if (off < distance || best === null && off <= distance) { best = finding; distance = off; }
      }
      return best;
    };
    let begun = null;
    plot.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && event.clientX >= area().left) { begun = event.clientX; plot.setPointerCapture(event.pointerId); }
    });
    plot.addEventListener("pointermove", (event) => {
      if (begun !== null) {
        const left = Math.max(area().left, Math.min(begun, event.clientX)), right = Math.min(area().right, Math.max(begun, event.clientX));
        brush.hidden = right - left < 6;
        brush.style.left = `${left - plot.getBoundingClientRect().left}px`;
        brush.style.width = `${right - left}px`;
        return;
      }
      const finding = nearest(event);
      if (finding) under.textContent = `${minute(finding.f)} · ${LEVELS[finding.l]} · ${finding.h}`;
    });
    plot.addEventListener("pointerup", (event) => {
      if (begun === null) return;
      const [one, other] = [unitAt(begun), unitAt(event.clientX)].sort((left, right) => left - right);
      const moved = Math.abs(event.clientX - begun);
      begun = null;
      brush.hidden = true;
      plot.releasePointerCapture(event.pointerId);
      if (moved >= 6) return look(one, other);
      const under = document.elementFromPoint(event.clientX, event.clientY);
      const finding = under && nearest({ target: under, clientX: event.clientX });
      if (finding) open(finding.i);
    });
    plot.addEventListener("pointercancel", () => { begun = null; brush.hidden = true; });
    addEventListener("resize", () => look(from, to));
    look(0, UNITS);
  }
})();
