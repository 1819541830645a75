// What the desk does a little better with JavaScript. Every page works without it.
document.documentElement.classList.add("js");

// A press counts once: a second one before the answer would say the same thing twice.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 5000);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// The menu behind one's name closes by Escape and by a press elsewhere.
addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.own[open]").forEach((each) => each.removeAttribute("open"));
});
addEventListener("click", (event) => {
  document.querySelectorAll("details.own[open]").forEach((each) => { if (!each.contains(event.target)) each.removeAttribute("open"); });
});
