// One answer beside others: its image with what is drawn on it, its words, its figures.
import { boxes, draw, grids, has, mainGrid } from "./overlay.js";
import { size } from "./picture.js";

const ms = value => value == null ? "–" : value < 10 ? `${value.toFixed(1)} ms` : value < 10000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;

const legends = {
  kept: '<span><i class="kept"></i>kept</span><span><i class="dropped"></i>dropped</span>',
  pivots: '<span><i class="pivot"></i>pivot</span><span><i class="fill"></i>fill</span><span><i class="dropped"></i>dropped</span>',
  off: "",
};

export class Run {
  constructor(title, picture, history) {
    this.element = document.getElementById("run").content.cloneNode(true).firstElementChild;
    this.find = selector => this.element.querySelector(selector);
    this.picture = picture;
    this.history = history;
    this.result = null;
    this.zoom = 1;
    this.find("h3").textContent = title;
    this.find(".canvas img").src = picture?.url ?? "";
    this.find(".stage").hidden = this.find(".stage-tools").hidden = !picture;
    for (const turn of history) {
      const p = document.createElement("p");
      p.className = turn.role === "user" ? "q" : "a";
      p.textContent = turn.text;
      this.find(".talk").append(p);
    }
    this.find(".zoom-in").addEventListener("click", () => this.setZoom(this.zoom * 1.5));
    this.find(".zoom-out").addEventListener("click", () => this.setZoom(this.zoom / 1.5));
    this.find(".grid-choice select").addEventListener("change", () => this.show(this.map));
  }

  setZoom(value) {
    this.zoom = Math.min(8, Math.max(1, value));
    this.find(".canvas").style.width = `${this.zoom * 100}%`;
    this.find(".zoom-value").textContent = `${Math.round(this.zoom * 100)}%`;
  }

  begin() {
    const answer = this.find(".answer");
    answer.replaceChildren();
    answer.setAttribute("aria-busy", "true");
    this.find(".facts").replaceChildren();
    this.find(".boxes").replaceChildren();
  }

  text(piece) { this.find(".answer").append(piece); }

  end(note) {
    const answer = this.find(".answer");
    answer.removeAttribute("aria-busy");
    if (!note) return;
    const p = document.createElement("p");
    p.className = "note";
    p.textContent = note;
    answer.append(p);
  }

  finish(result) {
    this.result = result;
    this.end(result.finish === "length" ? "(cut at its length limit)" : "");
    this.words();
    boxes(this.find(".boxes"), result.groundings.filter(g => g.image === 0), i => this.hot(i));
    const image = this.image;
    if (image) {
      const choice = this.find(".grid-choice"), all = grids(image);
      choice.hidden = all.length < 2;
      choice.querySelector("select").replaceChildren(...all.map((g, i) => new Option(`${g.name} ${g.rows}×${g.columns}`, i)));
      choice.querySelector("select").value = mainGrid(image);
    }
    this.facts();
  }

  get image() { return this.result?.pruning?.images?.[0]; }

  /** Words of the answer that are boxes become buttons. */
  words() {
    const { text, groundings } = this.result;
    const spans = groundings.map((g, i) => ({ ...g, i })).filter(g => g.start != null && g.end > g.start && g.end <= text.length).sort((a, b) => a.start - b.start);
    if (spans.length === 0) return;
    const answer = this.find(".answer"), note = answer.querySelector(".note");
    answer.replaceChildren();
    let at = 0;
    for (const span of spans) {
      if (span.start < at) continue;
      answer.append(text.slice(at, span.start));
      const word = document.createElement("button");
      word.type = "button";
      word.className = "mention";
      word.dataset.index = span.i;
      word.textContent = text.slice(span.start, span.end);
      for (const type of ["pointerenter", "focus"]) word.addEventListener(type, () => this.hot(span.i));
      for (const type of ["pointerleave", "blur"]) word.addEventListener(type, () => this.hot(-1));
      answer.append(word);
      at = span.end;
    }
    answer.append(text.slice(at));
    if (note) answer.append(note);
  }

  hot(index) {
    for (const element of this.element.querySelectorAll(".box, .mention")) element.classList.toggle("hot", Number(element.dataset.index) === index);
  }

  show(map) {
    this.map = map;
    const image = this.image;
    if (!image) return;
    const pruned = this.result.pruning.method != null;
    const drawn = !pruned || !has(image, map) ? (map === "off" ? "off" : "kept") : map;
    draw(this.find(".patches"), image, drawn, Number(this.find(".grid-choice select").value || mainGrid(image)));
    this.find(".legend").innerHTML = !pruned ? "" : legends[drawn] ?? '<span>low <i class="ramp"></i> high</span>';
    this.find(".badge").textContent = `${image.kept.length} of ${image.visual_tokens} tokens`;
  }

  facts() {
    const { pruning: p, usage, firstMs, totalMs } = this.result;
    // Whichever run comes first reads and encodes the image, and the others take that over: shown apart, so that runs compare.
    const seen = p?.visual_tokens > 0, image = seen ? p.times_ms.preprocess + p.times_ms.vision : 0;
    const own = value => value == null ? null : Math.max(0, value - image), apart = seen ? ", image apart" : "";
    const rows = [[`First token${apart}`, ms(own(firstMs))], [`Whole answer${apart}`, ms(own(totalMs))]];
    if (p) {
      if (p.visual_tokens) rows.push(["Visual tokens kept", `${p.visual_tokens_kept} of ${p.visual_tokens}`]);
      rows.push(["KV memory of the prompt", p.kv_bytes === p.kv_bytes_unpruned ? size(p.kv_bytes) : `${size(p.kv_bytes)} of ${size(p.kv_bytes_unpruned)}`]);
      const steps = `${ms(p.times_ms.prefill)} · ${ms(p.times_ms.decode)}`;
      rows.push(seen ? ["Image · prefill · decode", `${ms(image)} · ${steps}`] : ["Prefill · decode", steps]);
      if (p.method) rows.push(["Method", `${p.method}, K = ${p.layer}${p.prior ? `, prior ${p.prior.startsWith("uniform") ? "uniform" : "calibrated"}` : ""}`]);
      if (p.method) rows.push(["Preset", p.preset]);
    }
    const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
    if (usage) rows.push(["Prompt tokens reused", cached > 0 ? `${cached} of ${usage.prompt_tokens}${p?.reused ? ` (${p.reused})` : ""}` : `none of ${usage.prompt_tokens}`]);
    this.find(".facts").replaceChildren(...rows.flatMap(([name, value]) => {
      const term = document.createElement("dt"), data = document.createElement("dd");
      term.textContent = name;
      data.textContent = value;
      return [term, data];
    }));
    if (p?.reason) this.find("h3").title = p.reason;
  }
}
