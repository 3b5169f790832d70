// What pages can do beyond links and forms: copy, keys, times in the reader's zone. Pages work without it.
"use strict";
(() => {
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

  // Times come in UTC; shown in the reader's zone.
  const tellTimes = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const told = exact.format(new Date(time.dateTime));
      time.title = told;
      if ("exact" in time.dataset) time.textContent = told;
    }
    for (const button of root.querySelectorAll("button[data-copy][hidden]")) button.hidden = !navigator.clipboard;
  };

  const copy = async (text, told) => {
    await navigator.clipboard.writeText(text);
    const before = told.textContent;
    told.textContent = "Copied";
    setTimeout(() => { told.textContent = before; }, 1200);
  };

  document.addEventListener("click", (event) => {
    const from = event.target.closest("[data-copy]");
    if (from && navigator.clipboard) copy(from.dataset.copy, from.querySelector("span") ?? from);
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!menu.contains(event.target)) menu.open = false;
    if (event.target.matches("[data-all]"))
      for (const box of event.target.closest("form, table").querySelectorAll("tbody input[type=checkbox]"))
        box.checked = event.target.checked;
  });

  // A form that filters sends itself when something in it is chosen.
  document.addEventListener("change", (event) => {
    if (event.target.form?.matches("[data-filter]") && !event.target.matches("[type=search], [type=text]"))
      event.target.form.requestSubmit();
  });

  // A number that has a slider, where scripts run: each moves the other, and the form hears of both.
  for (const field of document.querySelectorAll("[data-slider]")) {
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 1, max: field.dataset.slider, value: field.value });
    slider.setAttribute("aria-label", `${field.labels[0].firstChild.textContent.trim()}, as a slider`);
    slider.addEventListener("input", () => { field.value = slider.value; });
    field.addEventListener("input", () => { slider.value = field.value; });
    field.closest("label").after(slider);
  }

  const rows = () => [...document.querySelectorAll("tbody tr:has(a[href])")];
  const step = (by) => {
    const all = rows();
    const at = all.indexOf(document.activeElement?.closest("tr"));
    all[Math.min(Math.max(at + by, 0), all.length - 1)]?.querySelector("a[href]")?.focus();
  };
  const keys = {
    "/": () => document.querySelector("#find")?.focus(),
    "?": () => document.querySelector("#keys")?.showModal(),
    j: () => step(1),
    k: () => step(-1),
    c: () => {
      const code = document.querySelector('[data-key="c"]');
      if (code && navigator.clipboard) copy(code.textContent, code.parentElement.querySelector("span") ?? code);
    },
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape")
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // A row unfolds what is put below it, and folds it again.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const link = event.target.closest("[data-unfolds]");
    const below = link?.closest("tr").nextElementSibling;
    if (!below?.matches(".below")) return;
    event.preventDefault();
    below.remove();
    link.ariaExpanded = "false";
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const link = event.target.closest("[data-unfolds]");
    if (link && event.detail.successful) link.ariaExpanded = "true";
  });

  document.addEventListener("htmx:afterSwap", (event) => tellTimes(event.detail.target.parentElement ?? document));
  document.addEventListener("orlop:shown", (event) => tellTimes(event.target));
  tellTimes(document);

  // Where the reader was last, on their own machine alone, until they sign out.
  const account = document.querySelector("details.menu summary")?.textContent;
  const key = `places of ${account}`;
  const places = () => { try { return JSON.parse(localStorage.getItem(key)) ?? []; } catch { return []; } };
  if (account && location.pathname.startsWith("/r/") && document.querySelector("h1")) {
    const path = decodeURI(location.pathname).slice(3).split("/-/")[0];
    const rest = places().filter((each) => each !== path);
    try { localStorage.setItem(key, JSON.stringify([path, ...rest].slice(0, 8))); } catch { /* nothing is kept */ }
  }
  const shown = document.querySelector("[data-places]");
  if (shown && account && places().length) {
    for (const path of places()) {
      const link = document.createElement("a");
      link.href = `/r/${encodeURI(path)}`;
      link.textContent = path;
      const row = document.createElement("li");
      row.append(link);
      shown.querySelector("ul").append(row);
    }
    shown.hidden = false;
  }
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/logout") localStorage.removeItem(key);
  });
})();
