// Writes a Llama of random weights as GGUF: the geometries of tests/Benchmarks, in bf16, q8_0 or q4_0.
import fs from "node:fs";

export const geometries = {
  mini: { hidden: 1024, intermediate: 2816, heads: 16, layers: 16, vocabulary: 32000 },
  // Four layers of 7B shapes; benchmarks scale them to 32.
  "7b": { hidden: 4096, intermediate: 11008, heads: 32, layers: 4, vocabulary: 32000 },
};

const types = { f32: 0, q4_0: 2, q8_0: 8, bf16: 30 };
const rowBytes = { f32: n => 4 * n, bf16: n => 2 * n, q8_0: n => (n / 32) * 34, q4_0: n => (n / 32) * 18 };

export function write(path, geometry, type) {
  const g = geometries[geometry];
  const tensors = [["token_embd.weight", [g.hidden, g.vocabulary], type], ["output_norm.weight", [g.hidden], "f32"], ["output.weight", [g.hidden, g.vocabulary], type === "bf16" ? "bf16" : "q8_0"]];
  for (let i = 0; i < g.layers; i++) {
    const p = `blk.${i}.`;
    tensors.push([p + "attn_norm.weight", [g.hidden], "f32"], [p + "ffn_norm.weight", [g.hidden], "f32"]);
    for (const n of ["attn_q", "attn_k", "attn_v", "attn_output"]) tensors.push([`${p}${n}.weight`, [g.hidden, g.hidden], type]);
    for (const n of ["ffn_gate", "ffn_up"]) tensors.push([`${p}${n}.weight`, [g.hidden, g.intermediate], type]);
    tensors.push([p + "ffn_down.weight", [g.intermediate, g.hidden], type]);
  }

  const head = new Bytes();
  const size = t => rowBytes[t[2]](t[1][0]) * (t[1][1] ?? 1);
  const meta = metadata(g);
  head.text("GGUF").u32(3).u64(tensors.length).u64(meta.length);
  for (const add of meta) add(head);
  let offset = 0;
  for (const t of tensors) {
    head.string(t[0]).u32(t[1].length);
    for (const d of t[1]) head.u64(d);
    head.u32(types[t[2]]).u64(offset);
    offset = align(offset + size(t));
  }

  const file = fs.openSync(path, "w");
  const header = head.done();
  fs.writeSync(file, header);
  fs.writeSync(file, Buffer.alloc(align(header.length) - header.length));
  for (const t of tensors) {
    const bytes = size(t), data = fill(t[2], bytes);
    fs.writeSync(file, data);
    fs.writeSync(file, Buffer.alloc(align(bytes) - bytes));
  }

  fs.closeSync(file);
}

const align = n => Math.ceil(n / 32) * 32;

function metadata(g) {
  const tokens = Array.from({ length: g.vocabulary }, (_, i) => (i < 3 ? ["<unk>", "<s>", "</s>"][i] : i < 259 ? `<0x${(i - 3).toString(16).toUpperCase().padStart(2, "0")}>` : `t${i}`));
  const kinds = tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1));
  const u32 = (key, value) => b => b.string(key).u32(4).u32(value);
  return [
    b => b.string("general.architecture").u32(8).string("llama"),
    u32("llama.context_length", 8192), u32("llama.embedding_length", g.hidden), u32("llama.block_count", g.layers), u32("llama.feed_forward_length", g.intermediate),
    u32("llama.attention.head_count", g.heads), u32("llama.attention.head_count_kv", g.heads), u32("llama.rope.dimension_count", g.hidden / g.heads), u32("llama.vocab_size", g.vocabulary),
    b => b.string("llama.attention.layer_norm_rms_epsilon").u32(6).f32(1e-5),
    b => b.string("tokenizer.ggml.model").u32(8).string("llama"),
    b => { b.string("tokenizer.ggml.tokens").u32(9).u32(8).u64(tokens.length); for (const t of tokens) b.string(t); },
    b => { b.string("tokenizer.ggml.scores").u32(9).u32(6).u64(tokens.length); for (let i = 0; i < tokens.length; i++) b.f32(-i); },
    b => { b.string("tokenizer.ggml.token_type").u32(9).u32(5).u64(kinds.length); for (const k of kinds) b.u32(k); },
    u32("tokenizer.ggml.bos_token_id", 1), u32("tokenizer.ggml.eos_token_id", 2), u32("tokenizer.ggml.unknown_token_id", 0),
  ];
}

// Small numbers of both signs; the values do not matter to the time, as long as none is denormal or infinite.
function fill(type, bytes) {
  const data = Buffer.alloc(bytes);
  if (type === "f32") {
    for (let i = 0; i < bytes; i += 4) data.writeFloatLE(1, i);
    return data;
  }

  let s = 88172645;
  const random = () => { s ^= s << 13; s ^= s >>> 17; s ^= s << 5; return s >>> 0; };
  for (let i = 0; i + 4 <= bytes; i += 4) data.writeUInt32LE(random(), i);
  if (type === "bf16") {
    for (let i = 0; i < bytes; i += 2) data.writeUInt16LE((data.readUInt16LE(i) & 0x807f) | 0x3c00, i);
  } else {
    const block = type === "q8_0" ? 34 : 18, scale = type === "q8_0" ? 0x0c00 : 0x1c00; // fp16
    for (let i = 0; i < bytes; i += block) data.writeUInt16LE(scale, i);
  }

  return data;
}

class Bytes {
  parts = [];
  text(t) { this.parts.push(Buffer.from(t, "latin1")); return this; }
  u32(v) { const b = Buffer.alloc(4); b.writeUInt32LE(v); this.parts.push(b); return this; }
  u64(v) { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(v)); this.parts.push(b); return this; }
  f32(v) { const b = Buffer.alloc(4); b.writeFloatLE(v); this.parts.push(b); return this; }
  string(t) { const b = Buffer.from(t, "utf8"); return this.u64(b.length).bytes(b); }
  bytes(b) { this.parts.push(b); return this; }
  done() { return Buffer.concat(this.parts); }
}
