// Charts that can be read off: uPlot in place of the server's picture, with the same values.

import { timeOfDay } from "./times.js";

let loading = null;

function library(address) {
  loading ??= new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: failed });
    document.head.append(script);
  });
  return loading;
}

const colour = (name) => {
  const probe = document.createElement("i");
  probe.className = name;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};

export async function chart(figure, address) {
  const place = figure.querySelector(".live-chart");
  const { times, lines } = JSON.parse(figure.dataset.series);
  await library(address).catch(() => null);
  if (!window.uPlot || !place.isConnected) return;
  place.uplot?.destroy();
  place.replaceChildren();
  place.hidden = false;
  figure.querySelector(".plot")?.setAttribute("hidden", "");
  const text = colour("muted");
  const time = (seconds) => timeOfDay(new Date(seconds * 1000), 2);
  const grid = { stroke: colour("line-text"), width: 1 };
  const axis = { stroke: text, grid, ticks: { show: false }, font: "11px system-ui" };
  const options = {
    width: place.clientWidth,
    height: 200,
    cursor: { y: false },
    scales: { y: { range: (plot, least, most) => [0, most || 1] } },
    axes: [{ ...axis, values: (plot, splits) => splits.map(time) }, { ...axis, size: 46 }],
    series: [{ label: "Time", value: (plot, at) => (at ? time(at) : "") }, ...lines.map((line) => ({ label: line.label, stroke: colour(`${line.colour}-text`), width: 1.5, points: { show: false } }))],
  };
  place.uplot = new uPlot(options, [times, ...lines.map((line) => line.values)], place);
}
