// What is drawn over an image. Everything is in the image's own pixels or in percent of it, so it stays right at every size and zoom.
const svgNamespace = "http://www.w3.org/2000/svg";

/** Grids of an image report with the number of their first token. */
export function grids(image) {
  let first = 0;
  return image.grids.map(grid => {
    const one = { ...grid, first, count: grid.rows * grid.columns };
    first += one.count;
    return one;
  });
}

/** The grid to begin with: the one of most cells. */
export function mainGrid(image) {
  const all = grids(image);
  return all.reduce((best, g, i) => g.count > all[best].count ? i : best, 0);
}

/** Tokens with the highest scores: the pivots. */
export function pivots(image) {
  if (!image.scores) return new Set();
  const order = image.scores.map((score, i) => [score, i]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  return new Set(order.slice(0, image.pivots).map(([, i]) => i));
}

function ranks(values) {
  const order = values.map((v, i) => [v, i]).sort((a, b) => a[0] - b[0]);
  const result = new Float64Array(values.length);
  order.forEach(([, i], rank) => { result[i] = values.length > 1 ? rank / (values.length - 1) : 1; });
  return result;
}

const ramp = [[43, 45, 131], [49, 104, 142], [31, 158, 137], [109, 205, 89], [253, 231, 37]];

function colour(t) {
  const x = t * (ramp.length - 1), i = Math.min(ramp.length - 2, Math.floor(x)), f = x - i;
  return `rgb(${ramp[i].map((c, k) => Math.round(c + (ramp[i + 1][k] - c) * f)).join(",")})`;
}

const maps = { attention: "attention", prior: "prior_map", relative: "scores" };

/** Whether a map can be drawn for an image. */
export function has(image, map) { return !(map in maps) || Array.isArray(image[maps[map]]); }

/** Draws one map over one image. */
export function draw(svg, image, map, gridIndex) {
  svg.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
  svg.replaceChildren();
  svg.dataset.map = map;
  if (map === "off") return;
  const grid = grids(image)[gridIndex];
  const kept = new Set(image.kept);
  const first = map === "pivots" ? pivots(image) : null;
  const values = maps[map] ? image[maps[map]] : null;
  const rank = values ? ranks(values.slice(grid.first, grid.first + grid.count)) : null;
  for (let i = 0; i < grid.count; i++) {
    const token = grid.first + i;
    let name = "", fill = null;
    if (rank) { name = "heat"; fill = colour(rank[i]); }
    else if (!kept.has(token)) name = "dropped";
    else if (first) name = first.has(token) ? "pivot" : "fill";
    if (!name) continue;
    const rect = document.createElementNS(svgNamespace, "rect");
    rect.setAttribute("x", grid.x + (i % grid.columns) * grid.cell_width);
    rect.setAttribute("y", grid.y + Math.floor(i / grid.columns) * grid.cell_height);
    rect.setAttribute("width", grid.cell_width);
    rect.setAttribute("height", grid.cell_height);
    rect.setAttribute("shape-rendering", "crispEdges");
    rect.setAttribute("class", name);
    rect.dataset.token = token;
    if (fill) { rect.setAttribute("fill", fill); rect.setAttribute("opacity", ".78"); }
    svg.append(rect);
  }
}

/** Puts the boxes of an answer over its image; `onHot` is told which one is pointed at. */
export function boxes(layer, regions, onHot) {
  layer.replaceChildren();
  regions.forEach((region, i) => {
    const [left, top, right, bottom] = region.box;
    const box = document.createElement("button");
    box.type = "button";
    box.className = top < .09 ? "box low" : "box";
    box.dataset.index = i;
    box.style.left = `${left * 100}%`;
    box.style.top = `${top * 100}%`;
    box.style.width = `${(right - left) * 100}%`;
    box.style.height = `${(bottom - top) * 100}%`;
    const name = region.label || `box ${i + 1}`;
    box.setAttribute("aria-label", region.box_pixels ? `${name}: from ${region.box_pixels.slice(0, 2)} to ${region.box_pixels.slice(2)} pixels` : name);
    const label = document.createElement("span");
    label.textContent = name;
    box.append(label);
    for (const type of ["pointerenter", "focus"]) box.addEventListener(type, () => onHot(i));
    for (const type of ["pointerleave", "blur"]) box.addEventListener(type, () => onHot(-1));
    layer.append(box);
  });
}
