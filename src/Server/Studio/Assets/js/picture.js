// An image as this page holds it: its bytes go to the server as they are, orientation marks included.
import { Problem } from "./api.js";

export async function open(blob, name) {
  const url = URL.createObjectURL(blob);
  const probe = new Image();
  probe.src = url;
  let readable = true;
  try { await probe.decode(); } catch { readable = false; }
  const dataUrl = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Problem("The file cannot be read", "The browser could not read it."));
    reader.readAsDataURL(blob);
  });
  // Without a type the browser writes application/octet-stream, which the server looks into.
  return { url, name: name || "image.png", type: blob.type, bytes: blob.size, width: probe.naturalWidth, height: probe.naturalHeight, readable, dataUrl: dataUrl.replace(/^data:;base64,/, "data:application/octet-stream;base64,") };
}

export function size(bytes) {
  if (bytes == null) return "–";
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB"];
  let value = bytes / 1000, i = 0;
  while (value >= 1000 && i < 2) { value /= 1000; i++; }
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)} ${units[i]}`;
}
