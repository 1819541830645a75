// A signature drawn with a finger, a pen or the mouse; whoever has no script types a name.
const pad = document.getElementById("pad");
if (pad) {
  const ink = pad.getContext("2d");
  const kept = document.getElementById(pad.dataset.strokes);
  let strokes = [];
  let drawing = null;
  const spot = (event) => {
    const box = pad.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map((at, side) => Math.max(0, Math.min(1000, Math.round((at * 1000) / (side ? box.height : box.width)))));
  };
  const draw = () => {
    ink.clearRect(0, 0, pad.width, pad.height);
    ink.lineWidth = 4; ink.lineCap = ink.lineJoin = "round"; ink.strokeStyle = getComputedStyle(pad).color;
    strokes.forEach((stroke) => {
      ink.beginPath();
      stroke.forEach(([x, y], at) => ink[at ? "lineTo" : "moveTo"]((x * pad.width) / 1000, (y * pad.height) / 1000));
      ink.stroke();
    });
  };
  const keep = () => { kept.value = strokes.length ? JSON.stringify(strokes) : ""; };
  pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); drawing = [spot(event)]; strokes.push(drawing); draw(); event.preventDefault(); });
  pad.addEventListener("pointermove", (event) => { if (drawing && drawing.length < 2000) { drawing.push(spot(event)); draw(); } });
  addEventListener("pointerup", () => { if (drawing) { drawing = null; keep(); } });
  document.getElementById("pad-clear").addEventListener("click", () => { strokes = []; keep(); draw(); });
  try { strokes = JSON.parse(kept.value || "[]"); } catch { strokes = []; }
  draw();
}
