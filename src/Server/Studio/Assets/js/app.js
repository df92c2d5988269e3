import { ask, models, Problem, useKey } from "./api.js";
import { csharp, curl } from "./code.js";
import { open, size } from "./picture.js";
import { Run } from "./run.js";

const $ = id => document.getElementById(id);
const questions = {
  "shapes.png": ["What colour is the circle?", "How many things are there?", "Where is the blue square?"],
  "scene.png": ["Where is the yellow triangle?", "How many hearts are there?", "Where is the cyan heart?"],
  "crowd.png": ["Where is the orange circle?", "How many stars are there?", "What colour is the triangle?"],
  "still-life.jpg": ["Where is the red circle?", "What colour is the square?", "How many things are there?"],
};
const general = ["What is in the image?", "How many things are there?", "Where is the red circle?"];

let picture = null, abort = null, runs = [], conversations = new Map(), known = [];

function fail(problem) {
  const error = $("error");
  error.hidden = false;
  error.replaceChildren(Object.assign(document.createElement("b"), { textContent: problem.title ?? "Something went wrong" }), problem.message);
}

const clearError = () => { $("error").hidden = true; $("error").replaceChildren(); };

function chips(list) {
  $("chips").replaceChildren(...list.map(text => {
    const chip = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    chip.addEventListener("click", () => { $("question").value = text; start(); });
    return chip;
  }));
}

async function take(blob, name, sample) {
  clearError();
  try {
    picture = await open(blob, name);
  } catch (e) {
    fail(e);
    return;
  }
  conversations.clear();
  $("follow").checked = false;
  $("follow").disabled = true;
  $("preview").src = picture.url;
  $("preview").alt = `The chosen image: ${picture.name}`;
  $("preview").hidden = !picture.readable;
  $("drop-hint").hidden = picture.readable;
  $("image-facts").textContent = picture.readable ? `${picture.name}: ${picture.width} × ${picture.height}, ${size(picture.bytes)}` : `${picture.name}, ${size(picture.bytes)}: this browser cannot show it`;
  for (const button of document.querySelectorAll("[data-sample]")) button.setAttribute("aria-pressed", String(button.dataset.sample === sample));
  chips(questions[sample] ?? general);
}

function request(pruning, history) {
  const content = [];
  const turns = history.map(t => ({ role: t.role, content: t.text }));
  if (picture) content.push({ type: "image_url", image_url: { url: picture.dataUrl } });
  const question = $("question").value.trim();
  const messages = [];
  if (turns.length > 0) {
    // The image stands where it was asked about first.
    messages.push({ role: "user", content: [...content, { type: "text", text: turns[0].content }] }, ...turns.slice(1), { role: "user", content: question });
  } else messages.push({ role: "user", content: [...content, { type: "text", text: question }] });
  return { model: $("model").value, messages, temperature: 0, max_tokens: 256, pruning };
}

function pruning(method) {
  if (method === "none") return { preset: "none" };
  const settings = { preset: $("preset").value, include_scores: true };
  if (!$("keep-preset").checked) settings.keep_ratio = Number($("keep").value) / 100;
  if (method !== "d2pruner") settings.method = method;
  return settings;
}

const titleOf = method => method === "none" ? "Without pruning" : method === "d2pruner" ? "With D²Pruner" : `With ${method}`;

async function answer(run, body, conversation) {
  run.begin();
  try {
    const result = await ask(body, abort.signal, piece => run.text(piece));
    run.finish(result);
    run.show($("map").value);
    conversation.push({ role: "user", text: $("question").value.trim() }, { role: "assistant", text: result.text });
  } catch (e) {
    run.end(e.name === "AbortError" ? "(stopped)" : "");
    throw e;
  }
}

/** Asks once for every column, one after another: they share the machine, and times would mean nothing otherwise. */
async function start(onlyFirst = false) {
  if (!$("question").value.trim()) { $("question").focus(); return; }
  abort?.abort();
  const mine = abort = new AbortController();
  clearError();
  $("send").disabled = true;
  $("stop").disabled = false;
  $("empty").hidden = true;
  $("times-note").hidden = !picture;
  $("status").textContent = "Asking.";
  const columns = [$("method").value, $("other").value];
  const follow = $("follow").checked;
  if (!follow && !onlyFirst) conversations.clear();
  const again = onlyFirst && runs.length === 2;
  const fresh = columns.map((method, i) => again && i === 1 ? runs[1] : new Run(titleOf(method), picture, follow ? [...(conversations.get(i) ?? [])] : []));
  runs = fresh;
  $("runs").replaceChildren(...fresh.map(r => r.element));
  try {
    // Without pruning first: it fills the caches that both use.
    for (const i of again ? [0] : [1, 0]) {
      const history = follow ? [...(conversations.get(i) ?? [])] : [];
      const talk = follow ? conversations.get(i) ?? [] : [];
      await answer(fresh[i], request(pruning(columns[i]), history), talk);
      if (mine.signal.aborted) return;
      conversations.set(i, talk);
    }
    summary();
    $("follow").disabled = false;
    $("status").textContent = `Answered: ${fresh[0].result.text}`;
  } catch (e) {
    if (mine !== abort) return;
    $("summary").hidden = true;
    if (e.name === "AbortError") $("status").textContent = "Stopped.";
    else fail(e instanceof Problem ? e : new Problem("This page failed", String(e.message ?? e)));
  } finally {
    if (mine === abort) {
      $("send").disabled = false;
      $("stop").disabled = true;
    }
  }
}

function overlap(a, b) {
  const side = (lo, hi) => Math.max(0, Math.min(a[hi], b[hi]) - Math.max(a[lo], b[lo]));
  const area = c => (c[2] - c[0]) * (c[3] - c[1]);
  const both = side(0, 2) * side(1, 3);
  return both > 0 ? both / (area(a) + area(b) - both) : 0;
}

function summary() {
  const [a, b] = runs.map(r => r.result);
  const box = $("summary");
  if (!a?.pruning || !b?.pruning) { box.hidden = true; return; }
  const ratio = (x, y) => y > 0 ? `${(x / y * 100).toFixed(0)}%` : "–";
  const times = (x, y) => x > 0 ? `${(y / x).toFixed(2)}×` : "–";
  const rows = [
    [ratio(a.pruning.visual_tokens_kept, a.pruning.visual_tokens), `of the visual tokens kept (${a.pruning.visual_tokens_kept} of ${a.pruning.visual_tokens})`],
    [ratio(a.pruning.kv_bytes, b.pruning.kv_bytes), `of the KV memory (${size(a.pruning.kv_bytes)} against ${size(b.pruning.kv_bytes)})`],
    // What was taken over from earlier questions needs no prefill: then the two times say nothing about pruning.
    a.pruning.cached_tokens > 0 || b.pruning.cached_tokens > 0
      ? [`${a.pruning.cached_tokens} of ${a.pruning.prompt_tokens}`, `prompt tokens reused from an earlier question (beside it: ${b.pruning.cached_tokens})`]
      : [times(a.pruning.times_ms.prefill, b.pruning.times_ms.prefill), `prefill, once: ${Math.round(a.pruning.times_ms.prefill)} against ${Math.round(b.pruning.times_ms.prefill)} ms`],
    a.text.trim() !== b.text.trim() && a.groundings.length > 0 && b.groundings.length > 0
      ? [`${Math.round(overlap(a.groundings[0].box, b.groundings[0].box) * 100)}%`, "overlap of the two boxes (intersection over union)"]
      : [a.text.trim() === b.text.trim() ? "same" : "differs", "answer, compared letter by letter"],
  ];
  box.hidden = false;
  box.replaceChildren(...rows.map(([value, text]) => {
    const div = document.createElement("div");
    div.append(Object.assign(document.createElement("b"), { textContent: value }), Object.assign(document.createElement("span"), { textContent: text }));
    return div;
  }));
}

async function load() {
  try {
    known = await models();
    const chosen = $("model").value;
    $("model").replaceChildren(...known.map(m => new Option(m.id, m.id)));
    if (known.some(m => m.id === chosen)) $("model").value = chosen;
    const methods = known[0]?.d2pruner?.methods ?? ["d2pruner"];
    $("method").replaceChildren(...methods.map(m => new Option(m === "d2pruner" ? "D²Pruner" : m, m)));
    $("other").replaceChildren(new Option("Without pruning", "none"), ...methods.map(m => new Option(m === "d2pruner" ? "D²Pruner" : m, m)));
    clearError();
  } catch (e) {
    fail(e);
  }
}

function keepText() { $("keep-value").textContent = $("keep-preset").checked ? "preset" : `${$("keep").value}%`; }

let timer = 0;
function rerun() {
  clearTimeout(timer);
  // While it is being dragged the model need not follow every step.
  timer = setTimeout(() => { if (runs.length === 2 && runs[1].result && !$("follow").checked) start(true); }, 250);
}

async function copy(title, text) {
  $("code-title").textContent = title;
  $("code-text").textContent = text;
  $("code-state").textContent = "";
  $("code").showModal();
  try {
    await navigator.clipboard.writeText(text);
    $("code-state").textContent = "Copied.";
  } catch {
    $("code-state").textContent = "Select and copy it from here.";
  }
}

$("form").addEventListener("submit", e => { e.preventDefault(); start(); });
$("question").addEventListener("keydown", e => { if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); start(); } });
$("stop").addEventListener("click", () => abort?.abort());
$("key").addEventListener("input", () => useKey($("key").value));
$("key").addEventListener("change", load);
$("keep").addEventListener("input", () => { $("keep-preset").checked = false; keepText(); rerun(); });
$("keep-preset").addEventListener("change", () => { keepText(); rerun(); });
for (const id of ["preset", "method"]) $(id).addEventListener("change", rerun);
$("other").addEventListener("change", () => { if (runs.length === 2 && runs[1].result) start(); });
$("map").addEventListener("change", () => runs.forEach(r => r.show($("map").value)));
$("file").addEventListener("change", () => { const file = $("file").files[0]; if (file) take(file, file.name); });
$("drop").addEventListener("click", e => { if (e.target === $("preview") || e.target === $("drop")) $("file").click(); });
// What the first column would send.
const asked = () => request(pruning($("method").value), $("follow").checked ? conversations.get(0) ?? [] : []);
$("curl").addEventListener("click", () => copy("This request as curl", curl(asked(), picture, location.origin)));
$("csharp").addEventListener("click", () => copy("This request in C#", csharp(asked(), picture, location.origin)));
$("code-close").addEventListener("click", () => $("code").close());
$("theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
});
for (const button of document.querySelectorAll("[data-sample]")) {
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", async () => {
    const name = button.dataset.sample;
    try {
      const response = await fetch(`/studio/samples/${name}`);
      await take(await response.blob(), name, name);
    } catch {
      fail(new Problem("The server cannot be reached", "The sample could not be loaded. The server may have stopped."));
    }
  });
}
document.addEventListener("paste", e => {
  const file = [...(e.clipboardData?.files ?? [])].find(f => f.type.startsWith("image/"));
  if (file) { e.preventDefault(); take(file, file.name || "pasted.png"); }
});
for (const type of ["dragenter", "dragover"]) document.addEventListener(type, e => { e.preventDefault(); $("drop").classList.add("over"); });
document.addEventListener("dragleave", e => { if (!e.relatedTarget) $("drop").classList.remove("over"); });
document.addEventListener("drop", e => {
  e.preventDefault();
  $("drop").classList.remove("over");
  const file = e.dataTransfer?.files?.[0];
  if (file) take(file, file.name);
});

chips(general);
keepText();
await load();
