// The preview of a draft follows what one types; a press on "Show how it reads" does the same without JavaScript.
const draft = document.getElementById("draft");
let waiting = 0;
let asked = 0;
async function show() {
  const mine = ++asked;
  const token = draft.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(draft.dataset.preview, { method: "POST", body: new FormData(draft), headers: { "X-CSRFToken": token }, credentials: "same-origin" }).catch(() => null);
  if (!answer || !answer.ok || mine !== asked) return;
  const parts = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelectorAll("[data-live]").forEach((each) => {
    const part = parts.querySelector(`[data-part="${each.dataset.live}"]`);
    if (part) each.replaceChildren(...part.childNodes);
  });
}
draft.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 300); });
