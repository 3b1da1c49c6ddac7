// The frame of the slides: reveal.js, and a second window with the notes and a clock for whoever speaks.
// reveal.js has a window of this kind, too, but writes its script into the page, which the site's policy forbids.
import Reveal from "reveal.js";

const speaker = new URLSearchParams(location.search).has("speaker");
const deck = new Reveal(document.querySelector(".reveal"), {
  width: 1280,
  height: 720,
  margin: 0.03,
  center: false,
  display: "flex",
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  backgroundTransition: "none",
  scrollActivationWidth: null, // a narrow screen gets the same slides, and the handout beside them
  showNotes: speaker,
  preloadIframes: false,
});

let other = speaker ? window.opener : null;
let following = false;

/** Tell the other window where this one is; a slide that the other has asked for is not sent back. */
function tell() {
  if (!following) other?.postMessage({ mosmedSlide: deck.getIndices().h }, "*");
}

window.addEventListener("message", ({ source, data }) => {
  if (source !== other || !Number.isInteger(data?.mosmedSlide)) return;
  following = true;
  deck.slide(data.mosmedSlide);
  following = false;
});

/** The notes in a window of their own: on the lecturer's screen, while the room sees the slides. */
function openSpeaker() {
  other = window.open(`?speaker${location.hash}`, "mosmed-speaker", "width=1200,height=700");
}

/** Minutes gone since the notes were opened, beside those that the plan gives up to the end of this slide. */
function startClock() {
  const clock = document.getElementById("clock");
  const minutes = deck.getSlides().map((slide) => Number(slide.dataset.minutes));
  const begun = Date.now();
  const show = () => {
    const gone = Math.floor((Date.now() - begun) / 60000);
    const planned = minutes.slice(0, deck.getIndices().h + 1).reduce((sum, each) => sum + each, 0);
    clock.textContent = `${gone} min gone; this slide ends at ${planned} min`;
  };
  clock.hidden = false;
  show();
  deck.on("slidechanged", show);
  setInterval(show, 5000);
}

deck.initialize().then(() => {
  deck.on("slidechanged", tell);
  if (speaker) {
    document.title = `Notes: ${document.title}`;
    startClock();
  } else {
    deck.addKeyBinding({ keyCode: 83, key: "S", description: "Notes and a clock in a window of their own" }, openSpeaker);
    document.getElementById("open-notes").addEventListener("click", openSpeaker);
  }
  document.documentElement.dataset.ready = "";
});
