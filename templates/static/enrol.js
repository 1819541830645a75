// The preview follows the form, the words follow the language. All of it can be done without.
const form = document.getElementById("enrol");
const token = () => form.querySelector("[name=csrfmiddlewaretoken]").value;

// --- what will come -----------------------------------------------------------------------------------------------
let waiting = 0;
let asked = 0;
async function show() {
  const mine = ++asked;
  const said = new FormData(form);
  const answer = await fetch(form.dataset.preview, { method: "POST", body: said, headers: { "X-CSRFToken": token() }, credentials: "same-origin" }).catch(() => null);
  if (!answer || !answer.ok || mine !== asked) return;
  const parts = new DOMParser().parseFromString(await answer.text(), "text/html");
  const same = document.getElementById("same");
  const another = same.querySelector("input:checked");
  same.replaceChildren(...parts.querySelector("[data-part=same]").childNodes);
  if (another && same.querySelector("input")) same.querySelector("input").checked = true;
  document.getElementById("preview").replaceChildren(...parts.querySelector("[data-part=preview]").childNodes);
}
function soon() { clearTimeout(waiting); waiting = setTimeout(show, 250); }
form.addEventListener("input", (event) => { if (event.target.id !== "id_strokes") soon(); });

// --- the words in her language, for her or for whoever agrees in her place ----------------------------------------
function words() {
  const language = form.elements.language.value;
  const holder = form.elements.holder_name.value.trim() ? "yes" : "no";
  form.querySelectorAll(".wording").forEach((each) => {
    each.hidden = each.dataset.language !== language || each.dataset.holder !== holder;
  });
}
form.addEventListener("input", words);
words();
