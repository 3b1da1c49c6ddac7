// Notes of the glossary: tie each to its word for screen readers, keep it on the screen, let Escape close it.
document.addEventListener("DOMContentLoaded", () => {
  for (const gloss of document.querySelectorAll(".gloss")) {
    const [term, note] = [gloss.querySelector("a"), gloss.querySelector(".gloss-note")];
    if (!term || !note) continue;
    term.setAttribute("aria-describedby", note.id);
    const open = () => {
      gloss.classList.remove("gloss-closed");
      note.style.translate = "";
      const beyond = note.getBoundingClientRect().right - (document.documentElement.clientWidth - 8);
      if (beyond > 0) note.style.translate = `${-Math.ceil(beyond)}px 0`;
    };
    gloss.addEventListener("mouseenter", open);
    term.addEventListener("focus", open);
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const gloss of document.querySelectorAll(".gloss:hover, .gloss:focus-within")) gloss.classList.add("gloss-closed");
  });
});
