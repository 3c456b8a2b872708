// The curve of power beside its table: drawn again whenever the course goes on. Who sees no picture has the table.
"use strict";
(() => {
  const place = document.getElementById("curve");
  if (!place || typeof uPlot === "undefined") return;
  const said = place.dataset;
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440].map((minutes) => minutes * 60); // of time between two marks
  let chart = null, points = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const height = 200;
  const clock = (() => {
    const as = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    try {
      return new Intl.DateTimeFormat(document.documentElement.lang, { ...as, timeZone: said.zone });
    } catch {
      return new Intl.DateTimeFormat(document.documentElement.lang, as); // a zone that this browser does not know
    }
  })();

  function draw() {
    if (!points || points.at.length < 2) return;
    place.hidden = false;
    const width = place.clientWidth - 16;
    const battery = points.soc.some((one) => one !== null);
    const lines = [points.at, points.kw.map((one) => (one === null ? null : Number(one)))];
    if (battery) lines.push(points.soc.map((one) => (one === null ? null : Number(one))));
    place.querySelector(".battery").hidden = !battery;
    if (chart) chart.destroy();
    const grid = { stroke: colour("--line"), width: 1 }, font = "12px " + colour("--sans");
    const axis = (more) => ({ stroke: colour("--soft"), grid, ticks: grid, font, ...more });
    chart = new uPlot(
      {
        width,
        height,
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: true }, kW: { range: (_, least, most) => [0, Math.max(1, most * 1.1)] }, "%": { range: [0, 100] } },
        axes: [axis({ values: (_, marks) => marks.map((one) => clock.format(one * 1000)), space: 64, incrs: STEPS }), axis({ scale: "kW", size: 44 }), ...(battery ? [axis({ scale: "%", side: 1, size: 40, grid: { show: false } })] : [])],
        series: [
          {},
          { scale: "kW", stroke: colour("--accent"), fill: colour("--accent-back"), width: 2, spanGaps: true },
          ...(battery ? [{ scale: "%", stroke: colour("--busy"), width: 2, dash: [6, 4], spanGaps: true }] : []),
        ],
      },
      lines,
      place,
    );
  }
  async function look() {
    try {
      const answer = await fetch(said.url, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      points = await answer.json();
      draw();
    } catch {
      // The page says itself that it is not live.
    }
  }

  document.addEventListener("htmx:sseMessage", (event) => {
    if (event.detail.type === "course") look();
  });
  new ResizeObserver(() => chart && chart.setSize({ width: place.clientWidth - 16, height })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  look();
})();
