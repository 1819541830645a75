// The bar of an import moves by itself; a press on "Look again" does the same without JavaScript.
const look = document.getElementById("look");
const bar = document.getElementById("progress");
async function again() {
  const answer = await fetch(look.action, { method: "POST", body: new FormData(look), headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" }).catch(() => null);
  if (answer && answer.ok) {
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (part.querySelector("[data-over]")) { location.reload(); return; }
    bar.replaceChildren(...part.body.childNodes);
  }
  setTimeout(again, 1000);
}
setTimeout(again, 300);
