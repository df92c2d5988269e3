// llama.cpp: tokens a second of one sequence at a context, or of several sequences together. Prints one JSON line.
// usage: node decode.mjs MODEL CONTEXT TOKENS THREADS [SEQUENCES]
import { getLlama } from "node-llama-cpp";

const [path, context, tokens, threads, count = "1"] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: +threads });
const model = await llama.loadModel({ modelPath: path, useMmap: true });
const sequences = +count;
const ctx = await model.createContext({ contextSize: +context + +tokens + 16, sequences, batchSize: 512, threads: +threads });
const prompt = Array.from({ length: +context }, (_, i) => 300 + ((i * 7919) % 30000));
const all = Array.from({ length: sequences }, () => ctx.getSequence());
await Promise.all(all.map(s => s.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1))));
let made = 0, start = 0;
await Promise.all(all.map(async s => {
  let n = 0;
  for await (const _ of s.evaluate([prompt.at(-1)], { temperature: 0, yieldEogToken: true })) {
    if (start === 0) start = performance.now(); // the first token carries the last of the prompt
    else made++;
    if (++n >= +tokens) break;
  }
}));
console.log(JSON.stringify({ tokens_per_s: (made / (performance.now() - start)) * 1e3 }));
process.exit(0);
