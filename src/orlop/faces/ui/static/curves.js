// Draws curves: <div class="curve" data-curve='{"times": […], "lines": [{"label", "unit", "values"}]}'> with uPlot.
"use strict";
(() => {
  const steps = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const size = (value) => {
    let step = 0;
    while (Math.abs(value) >= 1024 && step < steps.length - 1) { value /= 1024; step += 1; }
    return `${value.toFixed(step && value < 100 ? 1 : 0)} ${steps[step]}`;
  };
  const said = { bytes: size, count: (value) => Math.round(value).toLocaleString() };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const inks = ["--deep", "--good", "--bad"];

  for (const place of document.querySelectorAll("[data-curve]")) {
    const { times, lines } = JSON.parse(place.dataset.curve);
    const words = (line) => (_, value) => (value == null ? "–" : (said[line.unit] ?? String)(value));
    const options = {
      width: place.clientWidth, height: 220, cursor: { drag: { x: false, y: false } },
      axes: [
        { stroke: colour("--soft"), grid: { stroke: colour("--line") } },
        { stroke: colour("--soft"), grid: { stroke: colour("--line") }, size: 80,
          values: (_, values) => values.map((value) => words(lines[0])(null, value)) },
      ],
      series: [{}, ...lines.map((line, at) => ({
        label: line.label, stroke: colour(inks[at % inks.length]), width: 2, value: words(line),
        dash: line.dashed ? [6, 4] : undefined,
      }))],
    };
    const plot = new uPlot(options, [times, ...lines.map((line) => line.values)], place);
    new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 220 })).observe(place);
  }
})();
