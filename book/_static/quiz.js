// What a reader has answered stays in this browser: a quiz shows it again, and says how much of it is right.
(() => {
  const KEY = "mosmed-edu-quiz";
  const page = location.pathname.split("/").pop();

  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(KEY)) || {};
    } catch {
      return {}; // no storage, or not ours: the quiz works, and forgets
    }
  };
  const write = (all) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(all));
    } catch {
      // private window: nothing to keep it in
    }
  };

  const question = (quiz) => quiz.querySelector("[id^=quizQn]").textContent.trim();
  const shown = () => [...document.querySelectorAll(".Quiz")].filter((quiz) => quiz.querySelector(".MCButton"));
  // Practice in grading counts the first answer to each case: it begins anew each time.
  const isPractice = (quiz) => quiz.closest(".cell")?.querySelector("#mosmed-agreement");
  const quizzes = () => shown().filter((quiz) => !isPractice(quiz));
  const isRight = (quiz) => quiz.querySelector(".Feedback.correct") !== null;

  function remember(event) {
    const button = event.target.closest?.(".MCButton");
    const quiz = button?.closest(".Quiz");
    if (!quiz || isPractice(quiz)) return;
    const all = read();
    all[page] = { ...all[page], [question(quiz)]: button.textContent.trim() };
    write(all);
    count();
  }

  function count() {
    const [every, right] = [quizzes(), quizzes().filter(isRight)];
    if (!every.length) return;
    let line = document.getElementById("quiz-progress");
    if (!line) {
      line = document.createElement("p");
      line.id = "quiz-progress";
      line.innerHTML = '<span></span> <button type="button" class="btn btn-sm">Start again</button>';
      line.querySelector("button").addEventListener("click", forget);
      every.at(-1).after(line);
    }
    const answered = Object.keys(read()[page] || {}).length > 0;
    line.hidden = !answered;
    const words = `Right: ${right.length} of ${every.length}. Kept in this browser only.`;
    const place = line.querySelector("span");
    if (place.textContent !== words) place.textContent = words; // writing is a change that calls us again
  }

  function forget() {
    const all = read();
    delete all[page];
    write(all);
    location.reload();
  }

  // The words of each question name its group of answers, and feedback is read aloud when it comes.
  function prepare(quiz) {
    if (quiz.dataset.prepared || !quiz.querySelector(".MCButton")) return;
    quiz.dataset.prepared = "yes";
    const answers = quiz.querySelector(".Answer");
    answers.setAttribute("role", "radiogroup");
    answers.setAttribute("aria-labelledby", quiz.querySelector("[id^=quizQn]").id);
    quiz.querySelector(".Feedback").setAttribute("aria-live", "polite");
    if (isPractice(quiz)) return;
    const kept = (read()[page] || {})[question(quiz)];
    const same = [...quiz.querySelectorAll(".MCButton")].find((button) => button.textContent.trim() === kept);
    same?.click();
  }

  document.addEventListener("click", (event) => setTimeout(remember, 0, event));
  const look = () => {
    shown().forEach(prepare);
    count();
  };
  window.addEventListener("load", () => {
    const wait = new MutationObserver(look);
    for (const output of document.querySelectorAll("div.cell_output")) {
      wait.observe(output, { childList: true, subtree: true });
    }
    look();
  });
})();
