// Times: fresh while the page stands, in UTC or in the zone of the browser.

const UNITS = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
const choice = { local: false };

function apart(seconds) {
  const whole = Math.max(Math.round(seconds), 1);
  const [size, unit] = UNITS.find(([each]) => whole >= each);
  return `${Math.round(whole / size)} ${unit}`;
}

function two(number) {
  return String(number).padStart(2, "0");
}

export function timeOfDay(moment, parts) {
  const get = (name) => moment[`get${choice.local ? "" : "UTC"}${name}`]();
  return [get("Hours"), get("Minutes"), get("Seconds")].slice(0, parts).map(two).join(":");
}

const SHOWN = {
  ago: (moment, late) => (Math.abs(late) < 1 ? "now" : late > 0 ? `${apart(late)} ago` : `in ${apart(-late)}`),
  due: (moment, late) => (Math.abs(late) < 1 ? "now" : late > 0 ? `${apart(late)} late` : `in ${apart(-late)}`),
  minute: (moment) => timeOfDay(moment, 2),
  clock: (moment) => timeOfDay(moment, 3) + (choice.local ? "" : " UTC"),
  precise: (moment) => `${timeOfDay(moment, 3)}.${String(moment.getUTCMilliseconds()).padStart(3, "0")}`,
};

// The server's clock goes by its own time, which tests can move: relative times count from when the page was made.
let shownAt = performance.now();
let madeAt = "";

export function showTimes() {
  const made = document.getElementById("as-of").getAttribute("datetime");
  if (made !== madeAt) {
    madeAt = made;
    shownAt = performance.now();
  }
  const now = Date.parse(madeAt) + performance.now() - shownAt;
  for (const each of document.querySelectorAll("time[data-time]")) {
    const moment = new Date(each.getAttribute("datetime"));
    const text = SHOWN[each.dataset.time](moment, (now - moment) / 1000);
    if (each.textContent !== text) each.textContent = text;
  }
}

export function zone(select) {
  choice.local = localStorage.getItem("tidegate-zone") === "local";
  select.value = choice.local ? "local" : "utc";
  select.addEventListener("change", () => {
    choice.local = select.value === "local";
    localStorage.setItem("tidegate-zone", select.value);
    showTimes();
  });
  setInterval(() => document.hidden || showTimes(), 1000);
}
