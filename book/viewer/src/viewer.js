// Turn the scans of a page into viewers, each when it nears the screen. Without WebGL2 the still pictures stay.
import { Panel } from "./panel.js";
import { say } from "./words.js";

const NEAR = "400px";

function start(block) {
  const about = JSON.parse(block.dataset.viewer);
  if (!document.createElement("canvas").getContext("webgl2")) return explain(block, say("no_webgl"));
  if (navigator.connection?.saveData) return offer(block, about, say("open", { mb: (about.bytes / 1e6).toFixed(1) }));
  open(block, about);
}

/** Open the viewer in the block; where that fails, then or later, say why and offer to try again. */
async function open(block, about) {
  block.querySelectorAll(".mosmed-view-note").forEach((note) => note.remove());
  const panel = new Panel(block, about, (error) => {
    panel.remove();
    block.querySelector(".mosmed-view-still").hidden = false;
    explain(block, error.told ?? say("failed", { reason: error.message }));
    offer(block, about, say("retry"));
    block.dataset.state = "failed";
  });
  block.dataset.state = "loading";
  for (const name of ["still", "strip"]) block.querySelector(`.mosmed-view-${name}`).hidden = true;
  if (await panel.load()) block.dataset.state = "ready";
}

/** A line above the still pictures, and the pictures themselves unfolded. */
function explain(block, text) {
  const note = document.createElement("p");
  note.className = "mosmed-view-note";
  note.setAttribute("role", "alert");
  block.prepend(note);
  note.textContent = text;
  const strip = block.querySelector(".mosmed-view-strip");
  strip.hidden = false;
  strip.open = true;
}

function offer(block, about, text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "mosmed-view-note mosmed-view-open";
  button.textContent = text;
  button.addEventListener("click", () => open(block, about));
  block.querySelector(".mosmed-view-still").before(button);
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      near.unobserve(entry.target);
      start(entry.target);
    }
  },
  { rootMargin: NEAR },
);
document.querySelectorAll("[data-viewer]").forEach((block) => near.observe(block));
