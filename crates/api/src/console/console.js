"use strict";
// Short cuts for people who are here all day. Every page works without this file.
(() => {
  const typing = (target) => /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && target.type !== "checkbox";
  const list = document.getElementById("list");
  const boxes = () => [...document.querySelectorAll("input[name=pick]")];

  // One box for all of them.
  const all = document.querySelector("input[data-all]");
  if (all) {
    const tell = () => {
      const chosen = boxes().filter((box) => box.checked).length;
      all.checked = chosen > 0 && chosen === boxes().length;
      all.indeterminate = chosen > 0 && !all.checked;
    };
    all.hidden = false;
    all.addEventListener("change", () => { boxes().forEach((box) => { box.checked = all.checked; }); });
    list.addEventListener("change", tell);
    tell(); // Browsers bring ticks back when one returns to a page.
  }

  // A menu that changes what is shown needs no button; but who walks through it with arrow keys is not to be taken away.
  document.querySelectorAll("form.filters select, form.choose select").forEach((select) => {
    let keyed = false;
    select.addEventListener("pointerdown", () => { keyed = false; });
    select.addEventListener("keydown", () => { keyed = true; });
    select.addEventListener("change", () => { if (!keyed) select.form.requestSubmit(); });
  });

  // Keys: / searches, j and k walk, x chooses, e archives, u goes back.
  const links = () => [...document.querySelectorAll("td.what a")];
  const step = (by) => {
    const all = links();
    const at = all.indexOf(document.activeElement.closest?.("tr")?.querySelector("td.what a"));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    "/": () => document.querySelector("input[type=search]")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    x: () => document.activeElement.closest?.("tr")?.querySelector("input[name=pick]")?.click(),
    e: () => document.querySelector("button[name=action][value=archive]")?.click(),
    u: () => document.querySelector(".trail a")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
})();
