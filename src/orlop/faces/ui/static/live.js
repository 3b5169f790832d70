// Keeps a part of a page as things are: <tbody data-live="/jobs/live" data-told="ID">. Without it a page is loaded again.
"use strict";
(() => {
  for (const place of document.querySelectorAll("[data-live]")) {
    const told = document.getElementById(place.dataset.told);
    const tell = (text) => { if (told) told.textContent = text; };
    const source = new EventSource(place.dataset.live);
    let begun = false;

    source.addEventListener("open", () => tell("live"));
    source.addEventListener("part", (event) => {
      // What comes first is what the page shows already.
      if (begun) {
        const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
        place.innerHTML = event.data;
        if (focused) document.getElementById(focused)?.focus();
        place.dispatchEvent(new CustomEvent("orlop:shown", { bubbles: true }));
      }
      begun = true;
    });
    source.addEventListener("over", (event) => { source.close(); tell(event.data); });
    source.addEventListener("error", () => {
      tell(source.readyState === EventSource.CLOSED ? "not live; load the page again to see more" : "not live");
    });
    addEventListener("pagehide", () => source.close());
  }
})();
