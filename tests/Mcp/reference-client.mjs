// The reference client of the Model Context Protocol (npm: @modelcontextprotocol/sdk), asked to do what a host does. Prints one JSON object.
// Usage: node reference-client.mjs http URL | stdio COMMAND ARGUMENT...
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [kind, first, ...rest] = process.argv.slice(2);
const transport = kind === 'http' ? new StreamableHTTPClientTransport(new URL(first)) : new StdioClientTransport({ command: first, args: rest, stderr: 'ignore' });
const client = new Client({ name: 'reference', version: '1.0.0' });
await client.connect(transport);

const tools = (await client.listTools()).tools.map(t => t.name).sort();
const resources = (await client.listResources()).resources.map(r => r.uri);
const read = (await client.readResource({ uri: resources[0] })).contents[0];
const progress = [];
const found = await client.callTool({ name: 'locate_objects', arguments: { image: 'a.png', objects: 'the circle' } }, undefined, { onprogress: p => progress.push(p.message) });
const denied = await client.callTool({ name: 'ask_image', arguments: { image: '../secret.png', question: 'What is it?' } });

const abort = new AbortController();
let cancelled = false;
const call = client.callTool({ name: 'describe_image', arguments: { image: 'a.png' } }, undefined, { signal: abort.signal, onprogress: () => abort.abort('enough') });
try { await call; } catch { cancelled = true; }
const after = await client.callTool({ name: 'ask_image', arguments: { image: 'a.png', question: 'What colour is the circle?' } });

console.log(JSON.stringify({
    server: client.getServerVersion().name,
    tools,
    resources,
    blob: read.blob.length,
    mimeType: read.mimeType,
    found: found.structuredContent,
    kinds: found.content.map(c => c.type),
    progress,
    denied: { isError: denied.isError, kind: denied.structuredContent.kind },
    cancelled,
    after: after.structuredContent.answer,
}));
await client.close();
