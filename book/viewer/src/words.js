// All words come from the course's own list (mosmed_edu.plotting.viewer_words), so that they are translated there.
import course from "course";

export const WINDOWS = course.windows;

/** One of the words, with what is in braces filled in. */
export function say(key, values = {}) {
  return course.words[key].replace(/{(\w+)}/g, (_, name) => values[name]);
}
