// What the page of results shows of a page is taken from its text alone. Sphinx would begin with the menus above it.
Search.htmlToText = (html, anchor) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  // Nor from the notes of the glossary, which stand behind their words unseen.
  page.querySelectorAll("script, style, .headerlink, .gloss-note").forEach((part) => part.remove());
  const article = page.querySelector("article");
  const found = (anchor && article?.querySelector(anchor)) || article;
  if (!found) return "";
  // A word of the glossary comes with its meaning, which two words may share.
  const meaning = found.matches("dt") ? found.parentElement.querySelector(`#${found.id} ~ dd`) : null;
  return `${found.textContent} ${meaning?.textContent ?? ""}`.replace(/\s+/g, " ");
};
