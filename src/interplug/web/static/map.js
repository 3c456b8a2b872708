// The map beside the list. The list is whole without it; the map comes after it, and where the browser cannot draw it stays away.
const finder = document.getElementById("finder");
const side = document.getElementById("map");
const form = document.getElementById("find");
const found = document.getElementById("found");
const picked = document.getElementById("picked");
const nearby = document.getElementById("near");
const SIDE = 2 ** 28; // As store/earth.py has it.
const SHARE = 0.005; // Of all stations: a part of the world with fewer does not make the first view wider.
const FEW = 500; // So many are all shown, so the first view is of them exactly.
const KEPT = "interplug map";
const OURS = "interplug "; // Begins the names of our layers and sources: a style of somebody else has names of its own.
const said = side.dataset;
let map = null;
let near = new URLSearchParams(location.search).get("near") || "";
let turns = 0;
let shown = new Map(); // pk -> feature

const degrees = (x, y) => [(x / SIDE) * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / SIDE))) * 180) / Math.PI];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function question() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) asked.set(name, value);
  return asked;
}
function box() {
  const bounds = map.getBounds();
  return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((one) => one.toFixed(5)).join(",");
}
async function got(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(url + ": " + answer.status);
  return answer;
}

// --- the list

async function list(words, turn) {
  const html = await (await got("/found?" + words)).text();
  if (turn !== turns) return;
  found.innerHTML = html;
  htmx.process(found);
}

// Both views of what is asked for now. `moved`: the list is of the part of the map that is shown; `same`: of the page that it is at.
async function refresh(moved, same = false) {
  const turn = ++turns;
  const words = question();
  let numbers = [];
  try {
    if (map) {
      const part = new URLSearchParams(words);
      part.set("box", box());
      part.set("zoom", Math.floor(map.getZoom()));
      const answer = await (await got("/map.json?" + part)).json();
      if (turn !== turns) return;
      draw(answer);
      numbers = answer.points.map((point) => point[0]);
    }
    if (moved && map && !words.get("text")) words.set("box", box());
    else if (near) words.set("near", near);
    const page = same ? new URLSearchParams(location.search).get("page") : null;
    if (page) words.set("page", page);
    if (numbers.length) words.set("points", numbers.join(","));
    await list(words, turn);
  } catch (error) {
    console.warn(error); // The page stays as it was; that it is not live is said by live.js.
  }
}
function remember() {
  const words = question();
  if (near) words.set("near", near);
  history.replaceState(null, "", words.size ? "/?" + words : "/");
}

// --- the map

function supported() {
  try {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2"));
  } catch {
    return false;
  }
}
function loaded(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}
function styled(url) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: url, onload: resolve, onerror: reject });
    document.head.prepend(link);
  });
}

const EMPTY = { type: "FeatureCollection", features: [] };
const text = (field, size, extra) => ({ "text-field": field, "text-size": size, "text-font": ["sans-serif"], ...extra });

// What lies together is counted by the server where it is far away, and by the map where only the points would overlap.
function ours() {
  const available = { available: ["+", ["case", [">", ["get", "free"], 0], 1, 0]] };
  return {
    [OURS + "clusters"]: { type: "geojson", data: EMPTY },
    [OURS + "points"]: { type: "geojson", data: EMPTY, cluster: true, clusterRadius: 26, clusterMaxZoom: 16, clusterProperties: available },
    [OURS + "me"]: { type: "geojson", data: EMPTY },
  };
}
function style() {
  const sources = ours();
  const layers = [{ id: "water", type: "background", paint: {} }];
  if (said.tiles) {
    sources.base = { type: "vector", tiles: [location.origin + said.tiles], maxzoom: Number(said.deepest), attribution: said.attribution };
    const line = (id, filter, width) => ({ id, type: "line", source: "base", "source-layer": "roads", ...(filter && { filter }), paint: { "line-width": width } });
    layers.push(
      { id: "land", type: "fill", source: "base", "source-layer": "earth", paint: {} },
      { id: "lakes", type: "fill", source: "base", "source-layer": "water", filter: ["==", ["geometry-type"], "Polygon"], paint: {} },
      line("roads", null, ["interpolate", ["exponential", 1.6], ["zoom"], 6, 0.3, 12, 1, 18, 12]),
      line("highways", ["==", ["get", "kind"], "highway"], ["interpolate", ["exponential", 1.6], ["zoom"], 5, 0.6, 12, 2.5, 18, 18]),
      { id: "borders", type: "line", source: "base", "source-layer": "boundaries", paint: { "line-width": 1 } },
      { id: "towns", type: "symbol", source: "base", "source-layer": "places", layout: text(["get", "name"], 12, { "text-max-width": 7 }), paint: { "text-halo-width": 1.5 } },
    );
  } else {
    sources.base = { type: "geojson", data: EMPTY, attribution: said.attribution || "Natural Earth" };
    layers.push(
      { id: "land", type: "fill", source: "base", paint: {} },
      { id: "borders", type: "line", source: "base", paint: { "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.6, 8, 1.4] } },
    );
  }
  return { version: 8, sources, layers };
}
function stations() {
  const size = ["interpolate", ["linear"], ["log10", ["max", 1, ["get", "count"]]], 0, 13, 1, 17, 2, 22, 3, 29, 4, 36];
  const layers = [
    { id: "clusters", type: "circle", source: "clusters", paint: { "circle-radius": size, "circle-stroke-width": 3, "circle-opacity": 0.95 } },
    { id: "counts", type: "symbol", source: "clusters", layout: text(["get", "text"], 13, { "text-allow-overlap": true, "text-ignore-placement": true }), paint: {} },
    { id: "nests", type: "circle", source: "points", filter: ["has", "point_count"], paint: { "circle-radius": ["interpolate", ["linear"], ["get", "point_count"], 2, 13, 30, 20], "circle-stroke-width": 3 } },
    { id: "nested", type: "symbol", source: "points", filter: ["has", "point_count"], layout: text(["to-string", ["get", "point_count"]], 12, { "text-allow-overlap": true, "text-ignore-placement": true }), paint: {} },
    { id: "points", type: "circle", source: "points", filter: ["has", "pk"], paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 6, 12, 9, 16, 14], "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 9, 1.5, 14, 3] } },
    // How many are free stands on the point: its colour alone says it to nobody who cannot tell colours apart.
    { id: "frees", type: "symbol", source: "points", filter: ["has", "pk"], minzoom: 11.5, layout: text(["to-string", ["get", "free"]], ["interpolate", ["linear"], ["zoom"], 11.5, 10, 16, 14], { "text-allow-overlap": true, "text-ignore-placement": true }), paint: {} },
    { id: "me", type: "circle", source: "me", paint: { "circle-radius": 8, "circle-stroke-width": 4 } },
  ];
  for (const layer of layers) map.addLayer({ ...layer, id: OURS + layer.id, source: OURS + layer.source });
}
function paint() {
  const free = ["case", [">", ["get", "free"], 0], colour("--free"), colour("--busy")];
  const base = {
    water: { "background-color": colour("--map-water") },
    land: { "fill-color": colour("--map-land") },
    lakes: { "fill-color": colour("--map-water") },
    roads: { "line-color": colour("--map-road") },
    highways: { "line-color": colour("--map-road") },
    borders: { "line-color": colour("--map-border") },
    towns: { "text-color": colour("--soft"), "text-halo-color": colour("--map-land") },
  };
  const wanted = {
    clusters: { "circle-color": ["case", [">", ["get", "free"], 0], colour("--accent"), colour("--busy")], "circle-stroke-color": colour("--map-ring") },
    counts: { "text-color": colour("--on-accent") },
    nests: { "circle-color": ["case", [">", ["get", "available"], 0], colour("--accent"), colour("--busy")], "circle-stroke-color": colour("--map-ring") },
    nested: { "text-color": colour("--on-accent") },
    points: { "circle-color": free, "circle-stroke-color": colour("--card") },
    frees: { "text-color": colour("--card") },
    me: { "circle-color": colour("--map-me"), "circle-stroke-color": colour("--card") },
  };
  const look = (layer, values) => {
    if (map.getLayer(layer)) for (const [name, value] of Object.entries(values)) map.setPaintProperty(layer, name, value);
  };
  if (!said.style) for (const [layer, values] of Object.entries(base)) look(layer, values);
  for (const [layer, values] of Object.entries(wanted)) look(OURS + layer, values);
}
const short = (count) => (count < 1000 ? String(count) : count < 10000 ? (count / 1000).toFixed(1) + "k" : Math.round(count / 1000) + "k");

function draw(answer) {
  shown = new Map();
  const clusters = answer.clusters.map(([x, y, count, evses, free]) => feature(x, y, { count, free, text: short(count) }));
  for (const [pk, x, y, free, evses] of answer.points) shown.set(pk, feature(x, y, { pk, free, evses }));
  map.getSource(OURS + "clusters").setData({ type: "FeatureCollection", features: clusters });
  points();
  side.dataset.zoom = map.getZoom().toFixed(2);
  side.dataset.clusters = answer.clusters.length;
  side.dataset.points = answer.points.length;
}
const points = () => map.getSource(OURS + "points").setData({ type: "FeatureCollection", features: [...shown.values()] });
const feature = (x, y, properties) => ({ type: "Feature", properties, geometry: { type: "Point", coordinates: degrees(x, y) } });

// What an operator has just told, for the points of the map.
function news(told) {
  for (const [pk, free, evses] of told) {
    const one = shown.get(pk);
    if (one) Object.assign(one.properties, { free, evses });
  }
  points();
}

async function pick(pk) {
  const html = await (await got("/row/" + pk)).text();
  picked.innerHTML = html;
  picked.hidden = false;
}

async function outlines(name) {
  const topology = await (await got(said[name])).json();
  map.getSource("base").setData(window.topojson.feature(topology, topology.objects.countries));
}

// Where most stations are: the parts of the world in which a fair share of them lies.
async function extent() {
  const words = question();
  words.set("zoom", 5);
  let answer = await (await got("/map.json?" + words)).json();
  const all = answer.clusters.reduce((sum, one) => sum + one[2], 0);
  if (all <= FEW) {
    words.set("zoom", 11);
    answer = await (await got("/map.json?" + words)).json();
  }
  const many = answer.clusters.filter((one) => one[2] >= all * SHARE).concat(answer.points.map((one) => [one[1], one[2]]));
  if (!many.length) return null;
  const xs = many.map((one) => one[0]), ys = many.map((one) => one[1]);
  return [degrees(Math.min(...xs), Math.max(...ys)), degrees(Math.max(...xs), Math.min(...ys))];
}
async function fit() {
  const bounds = await extent();
  if (bounds) map.fitBounds(bounds, { padding: 70, maxZoom: 14, animate: false });
}
function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

async function begin() {
  await Promise.all([styled(said.look), said.tiles || said.style ? null : loaded(said.topology)]);
  const library = await import(said.library);
  library.setWorkerUrl(new URL(said.worker, location.href).href);
  side.hidden = false;
  finder.classList.add("with-map");
  map = new library.Map({
    container: side.querySelector(".map-canvas"),
    style: said.style || style(),
    center: [5.3, 51.8],
    zoom: 5,
    minZoom: 2,
    maxZoom: 18,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    locale: { "Map.Title": said.name },
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new library.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new library.AttributionControl({ compact: true, ...(said.style && said.attribution ? { customAttribution: said.attribution } : {}) }));
  await map.once("load");
  side.dataset.drawn = "1";
  if (said.style) for (const [name, source] of Object.entries(ours())) map.addSource(name, source);
  stations();
  paint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  if (!said.tiles && !said.style) outlines("coarse").then(() => map.once("idle")).then(() => outlines("fine")).catch(console.warn);
  listen();
  const before = kept();
  if (near) here(near.split(",").map(Number).reverse(), false);
  else if (before && !location.search) map.jumpTo(before);
  else await fit();
  // The list begins with what the map shows, unless something was asked for already.
  if (!location.search) await refresh(true);
  else await refresh(false, true);
  side.dataset.ready = "1";
}
function listen() {

  map.on("moveend", () => {
    const { lng, lat } = map.getCenter();
    sessionStorage.setItem(KEPT, JSON.stringify({ center: [lng, lat], zoom: map.getZoom() }));
    if (side.dataset.ready) refresh(true);
  });
  const closer = (event) => map.easeTo({ center: event.features[0].geometry.coordinates, zoom: Math.min(map.getZoom() + 2.2, 17.5) });
  map.on("click", OURS + "clusters", closer);
  map.on("click", OURS + "nests", closer);
  map.on("click", OURS + "points", (event) => pick(event.features[0].properties.pk).catch(console.warn));
  for (const layer of ["clusters", "nests", "points"]) {
    map.on("mouseenter", OURS + layer, () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", OURS + layer, () => (map.getCanvas().style.cursor = ""));
  }
  map.on("click", (event) => {
    if (!map.queryRenderedFeatures(event.point, { layers: [OURS + "points"] }).length) picked.hidden = true;
  });
}

// --- where the driver is

function here(place, move = true) {
  near = place[1].toFixed(5) + "," + place[0].toFixed(5);
  nearby.setAttribute("aria-pressed", "true");
  if (!map) return;
  map.getSource(OURS + "me").setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: place } });
  map.jumpTo({ center: place, zoom: Math.max(map.getZoom(), 12.5) });
}
nearby.hidden = !("geolocation" in navigator);
nearby.addEventListener("click", () => {
  if (near) {
    near = "";
    nearby.removeAttribute("aria-pressed");
    map?.getSource(OURS + "me").setData(EMPTY);
    search();
    return;
  }
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      here([coords.longitude, coords.latitude]);
      remember();
      refresh(false);
    },
    () => {
      picked.textContent = said.lost;
      picked.hidden = false;
    },
    { maximumAge: 60000, timeout: 15000 },
  );
});

// --- the search

async function search() {
  remember();
  picked.hidden = true;
  const words = question();
  if (map && words.get("text")) await fit();
  await refresh(!words.get("text") && !near);
}
form.addEventListener("submit", (sent) => {
  sent.preventDefault();
  document.activeElement?.blur?.call(form.elements.text);
  search();
});
form.addEventListener("change", (changed) => {
  if (changed.target.name !== "text") search();
});
document.addEventListener("htmx:sseMessage", (message) => {
  if (map && message.detail.type === "points") news(JSON.parse(message.detail.data));
});

if (supported()) {
  const start = () => begin().catch((error) => {
    console.warn(error);
    side.hidden = true;
    finder.classList.remove("with-map");
    map?.remove();
    map = null;
  });
  "requestIdleCallback" in window ? requestIdleCallback(start, { timeout: 800 }) : setTimeout(start, 100);
}
