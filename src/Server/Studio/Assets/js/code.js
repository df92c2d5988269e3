// The request of this page as something to paste elsewhere. Neither the key nor the image's bytes are in it.
const quoteShell = text => text.replace(/'/g, "'\\''");

function body(request, image) {
  return JSON.stringify(request, (name, value) => name === "url" && typeof value === "string" && value.startsWith("data:") ? image : value, 2);
}

export function curl(request, picture, origin) {
  const marker = "@IMAGE@";
  let json = quoteShell(body(request, marker));
  if (picture) json = json.replaceAll(marker, `data:${picture.type || "application/octet-stream"};base64,'"$(base64 -w0 '${quoteShell(picture.name)}')"'`);
  return `curl ${origin}/v1/chat/completions \\\n  -H "Authorization: Bearer $D2PRUNER_API_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d @- <<< '${json}'`;
}

export function csharp(request, picture, origin) {
  // More dollars than the longest run of braces in the text: such runs are text then.
  const dollars = Math.max(...body(request, "").match(/\{+|\}+/g).map(run => run.length)) + 1;
  const json = body(request, `${"{".repeat(dollars)}image${"}".repeat(dollars)}`);
  const open = picture ? `var image = $"data:${picture.type || "application/octet-stream"};base64,{Convert.ToBase64String(File.ReadAllBytes(${JSON.stringify(picture.name)}))}";\n` : "";
  return `// dotnet add package OpenAI
using System.ClientModel;
using OpenAI;
using OpenAI.Chat;

${open}var client = new ChatClient(${JSON.stringify(request.model)}, new ApiKeyCredential(Environment.GetEnvironmentVariable("D2PRUNER_API_KEY") ?? "none"),
    new OpenAIClientOptions { Endpoint = new Uri(${JSON.stringify(`${origin}/v1`)}) });
var body = ${"$".repeat(dollars)}"""
${json.split("\n").map(line => `    ${line}`).join("\n")}
    """;
var answer = await client.CompleteChatAsync(BinaryContent.Create(BinaryData.FromString(body)));
Console.WriteLine(answer.GetRawResponse().Content); // choices, usage, pruning, groundings
`;
}
