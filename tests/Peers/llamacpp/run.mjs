// Decoding beside llama.cpp, alternately: prints decode_tokens_per_s of both and their ratio.
// usage: npm install && node run.mjs [--rounds 3] [--only bf16-mini] ; build the benchmarks first: dotnet build tests/Benchmarks -c Release
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { geometries, write } from "./gguf.mjs";

const option = (name, fallback) => { const i = process.argv.indexOf(name); return i < 0 ? fallback : process.argv[i + 1]; };
const here = path.dirname(fileURLToPath(import.meta.url));
const benchmarks = path.join(here, "..", "..", "Benchmarks", "bin", "Release", "net10.0", "D2Pruner.AI.Benchmarks.dll");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "d2pruner-peer-"));
const rounds = +option("--rounds", "3"), only = option("--only", ""), threads = os.availableParallelism();
const pairs = [["bf16", "bf16"], ["int8", "q8_0"], ["int4", "q4_0"]];
const median = a => [...a].sort((x, y) => x - y)[a.length >> 1];
const fixed = n => Number(n.toPrecision(5));

function theirs(model, context, sequences = 1) {
  const out = execFileSync("node", [path.join(here, "decode.mjs"), model, context, 32, threads, sequences], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return JSON.parse(out.trim().split("\n").at(-1)).tokens_per_s;
}

function ours(precision, geometry, context, sequences = 1) {
  const out = execFileSync("dotnet", [benchmarks, "decode-one", precision, geometry, context, sequences], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return +out.match(/tokens_per_s: (.*)/)[1];
}

try {
  for (const geometry of Object.keys(geometries)) {
    for (const [precision, type] of pairs) {
      const name = `${precision}-${geometry}`;
      if (only && !name.startsWith(only)) continue;
      const model = path.join(folder, `${geometry}-${type}.gguf`);
      write(model, geometry, type);
      const cases = [[128, 1], [640, 1], [2950, 1], ...(name === "bf16-mini" ? [[200, 8]] : [])];
      for (const [context, sequences] of cases) {
        const [a, b] = [[], []];
        for (let r = 0; r < rounds; r++) {
          a.push(ours(precision, geometry, context, sequences));
          b.push(theirs(model, context, sequences));
        }

        const key = `${name}-${context}${sequences > 1 ? `-rows${sequences}` : ""}`;
        console.log(`decode_tokens_per_s@${key}: ${fixed(median(a))}`);
        console.log(`llamacpp_${type}_tokens_per_s@${key}: ${fixed(median(b))}`);
        console.log(`llamacpp_ratio@${key}: ${fixed(median(a.map((x, i) => x / b[i])))}`);
      }

      fs.rmSync(model);
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}
