// The server's API, as this page uses it. The key lives in a variable and nowhere else.
let key = "";

export function useKey(value) { key = value.trim(); }

/** What went wrong, in words for a person. */
export class Problem extends Error {
  constructor(title, detail) { super(detail); this.title = title; }
}

const titles = {
  400: "The server cannot use this request", 401: "The key is missing or wrong", 403: "This page may not ask here", 404: "There is no such model", 408: "The upload took too long",
  413: "The image is too large for this server", 415: "The server does not take this kind of request", 429: "The server is busy", 500: "The server failed", 503: "The server cannot answer now",
};

async function call(path, options = {}) {
  const headers = { ...(options.body ? { "Content-Type": "application/json" } : {}), ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Problem("The server cannot be reached", "It may have stopped, or the connection was lost. Start it again and repeat the question.");
  }
  if (response.ok) return response;
  let error = {};
  try { error = (await response.json()).error ?? {}; } catch { /* no JSON: the status says enough */ }
  const again = response.headers.get("Retry-After");
  const title = error.code === "invalid_image" ? "The image cannot be read" : titles[response.status] ?? `The server answered ${response.status}`;
  throw new Problem(title, (error.message ?? "") + (again ? ` (Try again in ${again} s.)` : ""));
}

export async function models() { return (await (await call("/v1/models")).json()).data; }

/** Asks, and gives each piece of the answer to `onText`. Returns the whole answer, what rode on it, and the time to its first piece. */
export async function ask(body, signal, onText) {
  const start = performance.now();
  const response = await call("/v1/chat/completions", { method: "POST", body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }), signal });
  const result = { text: "", firstMs: null, totalMs: 0, usage: null, pruning: null, groundings: [], finish: null };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "", done = false;
  while (!done) {
    let piece;
    try {
      piece = await reader.read();
    } catch (e) {
      if (e.name === "AbortError") throw e;
      throw new Problem("The server went away in the middle of the answer", "The connection was lost. What had arrived is shown.");
    }
    if (piece.done) break;
    buffer += piece.value;
    const events = buffer.split("\n\n");
    buffer = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") { done = true; break; }
      const chunk = JSON.parse(data);
      if (chunk.error) throw new Problem("The answer was broken off", chunk.error.message);
      const choice = chunk.choices?.[0];
      const text = choice?.delta?.content;
      if (text) {
        result.firstMs ??= performance.now() - start;
        result.text += text;
        onText(text);
      }
      result.finish = choice?.finish_reason ?? result.finish;
      result.usage = chunk.usage ?? result.usage;
      result.pruning = chunk.pruning ?? result.pruning;
      result.groundings = chunk.groundings ?? result.groundings;
    }
  }
  if (!done) throw new Problem("The server went away in the middle of the answer", "The connection was closed before the end. What had arrived is shown.");
  result.totalMs = performance.now() - start;
  return result;
}
