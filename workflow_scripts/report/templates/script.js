"use strict";

// Show one network at a time, the one in the address if there is one; without this script, all are
// shown.
const chooser = document.getElementById("network");
const networks = [...document.querySelectorAll(".network")];

// The element that the address names; null for none, and for an address that is not well-formed.
function named() {
  try {
    return document.getElementById(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return null;
  }
}
function show(chosen) {
  for (const network of networks) network.hidden = network !== chosen;
  chooser.value = chosen.id;
}
function followAddress() {
  const target = named();
  const network = target?.closest(".network");
  if (network) {
    show(network);
    // It was hidden when the browser looked for it.
    target.scrollIntoView({behavior: "instant"});
  } else if (location.hash === "") show(document.getElementById(best));
}
let best = null;
if (chooser) {
  best = chooser.value;
  // A press of the back button returns to the network before.
  chooser.addEventListener("change", () => {
    history.pushState(null, "", "#" + encodeURIComponent(chooser.value));
    show(document.getElementById(chooser.value));
  });
  document.querySelector(".chooser").classList.add("works");
  show(document.getElementById(best));
  addEventListener("popstate", followAddress);
}

// A column header sorts by its column; a second click reverses the order.
function valueOf(row, column) {
  const text = row.cells[column].dataset.value;
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : text;
}
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b));
}
for (const button of document.querySelectorAll(".sortable thead button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const column = head.cellIndex;
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    // Unknown values come last in either order.
    const known = [], unknown = [];
    for (const row of body.rows) (valueOf(row, column) === "" ? unknown : known).push(row);
    known.sort((a, b) => compare(valueOf(a, column), valueOf(b, column)));
    if (descending) known.reverse();
    body.append(...known, ...unknown);
  });
}

// What is wider than the window says so, and can be scrolled with the keyboard.
const hints = new Map();
function mark(wide) {
  const hidden = wide.scrollWidth - wide.clientWidth;
  hints.get(wide).classList.toggle("works", hidden > 1);
  wide.classList.toggle("more", hidden - wide.scrollLeft > 1);
  if (hidden > 1) wide.tabIndex = 0;
  else wide.removeAttribute("tabindex");
}
const sizes = new ResizeObserver(changed => {
  for (const {target} of changed) mark(target);
});
for (const wide of document.querySelectorAll(".wide")) {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = "scroll \u2192";
  hint.setAttribute("aria-hidden", "true");
  wide.before(hint);
  hints.set(wide, hint);
  wide.addEventListener("scroll", () => mark(wide), {passive: true});
  sizes.observe(wide);
}
if (chooser) followAddress();

// The contents show where the reader is.
const links = new Map();
for (const link of document.querySelectorAll(".contents a")) links.set(link.hash.slice(1), link);
const visible = new Set();
const observer = new IntersectionObserver(entries => {
  for (const entry of entries)
    if (entry.isIntersecting) visible.add(entry.target.id);
    else visible.delete(entry.target.id);
  let current = null;
  for (const [id, link] of links) {
    link.removeAttribute("aria-current");
    if (!current && visible.has(id)) current = link;
  }
  current?.setAttribute("aria-current", "true");
}, {rootMargin: "-20% 0px -60% 0px"});
for (const id of links.keys()) observer.observe(document.getElementById(id));

// Paper shows what is closed on the screen.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const details of closed) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of closed) details.open = false;
});

// The page contains each sound once, even if several networks show it.
const sounds = JSON.parse(document.getElementById("sound-data")?.textContent ?? "[]");
for (const player of document.querySelectorAll("audio[data-sound]"))
  player.src = "data:audio/mpeg;base64," + sounds[player.dataset.sound];
