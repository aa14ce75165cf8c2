"use strict";

// Show one network at a time; without this script, all are shown.
const chooser = document.getElementById("network");
const networks = [...document.querySelectorAll(".network")];
function choose() {
  for (const network of networks) network.hidden = network.dataset.network !== chooser.value;
}
chooser.addEventListener("change", choose);
document.querySelector(".chooser").classList.add("works");
choose();

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

// The page contains each sound once, even if several networks show it.
const sounds = JSON.parse(document.getElementById("sound-data").textContent);
for (const player of document.querySelectorAll("audio[data-sound]"))
  player.src = "data:audio/mpeg;base64," + sounds[player.dataset.sound];
