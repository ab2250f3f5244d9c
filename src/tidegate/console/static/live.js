// The one stream of all tabs of a browser. A browser opens six connections to a server over plain HTTP: with a stream for
// each tab, the seventh would not load. The stream is closed while no tab is in front.

const tabs = new Map(); // port -> whether the tab is in front
let stream = null;

function tell(message) {
  const front = [...tabs.values()].filter(Boolean).length; // the more tabs ask, the less often each does
  for (const port of tabs.keys()) port.postMessage({ ...message, front });
}

function follow() {
  const wanted = [...tabs.values()].some(Boolean);
  if (!wanted && stream) {
    stream.close();
    stream = null;
  }
  if (!wanted || stream) return;
  stream = new EventSource(new URL("../live", self.location));
  for (const kind of ["hello", "beat", "changed", "leaving"]) {
    stream.addEventListener(kind, (event) => tell({ kind, text: event.data }));
  }
  stream.onerror = () => {
    const over = stream.readyState === EventSource.CLOSED; // refused: too many streams, or no such server any more
    tell({ kind: over ? "closed" : "lost" });
    if (over) stream = null;
  };
}

self.onconnect = ({ ports: [port] }) => {
  tabs.set(port, true);
  port.onmessage = ({ data }) => {
    if (data === "gone") tabs.delete(port);
    else tabs.set(port, data === "front");
    follow();
  };
  follow();
};
