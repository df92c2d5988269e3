using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using D2Pruner.AI;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

const long MaxImageBytes = 16 << 20;

var builder = WebApplication.CreateBuilder(args);
var settings = builder.Configuration.GetSection("D2Pruner");
builder.Services.AddD2PrunerModel("default", settings.GetSection("Models:default"));
builder.Services.AddD2PrunerChatClient(settings.GetSection("Clients:default"));
builder.Services.AddD2PrunerWarmup();                     // loads the model while the host starts
builder.Services.AddHealthChecks().AddD2Pruner();         // degraded while it loads, healthy when it answers
var app = builder.Build();
app.MapHealthChecks("/health");
app.MapGet("/", () => TypedResults.Content(Page.Html, "text/html"));

// A form with the fields image and question; the answer streams as server-sent events: text, then one event
// "done" with boxes and what pruning did.
app.MapPost("/ask", async (
    IFormFile image, [Microsoft.AspNetCore.Mvc.FromForm] string question, IChatClient client, CancellationToken cancellationToken) =>
{
    if (image.Length is 0 or > MaxImageBytes)
        return Results.Problem($"The image has {image.Length} bytes; 1 to {MaxImageBytes} are taken.", statusCode: 413);
    using var copy = new MemoryStream();
    await image.CopyToAsync(copy, cancellationToken);
    var message = new ChatMessage(ChatRole.User, [new DataContent(copy.ToArray(), "image/*"), new TextContent(question)]);
    return TypedResults.ServerSentEvents(Answer(client, message, cancellationToken));
}).DisableAntiforgery();

app.Run();

static async IAsyncEnumerable<SseItem<string>> Answer(
    IChatClient client, ChatMessage message, [EnumeratorCancellation] CancellationToken cancellationToken)
{
    List<ChatResponseUpdate> updates = [];
    var stream = client.GetStreamingResponseAsync([message], null, cancellationToken).GetAsyncEnumerator(cancellationToken);
    await using (stream)
    {
        while (true)
        {
            string? problem = null;
            try
            {
                if (!await stream.MoveNextAsync()) break;
            }
            catch (Exception e) when (e.GetVisionErrorKind() is { } kind)
            {
                // The head is sent already: an error travels in the stream. Messages of these kinds are about the caller's own data.
                problem = kind is VisionErrorKind.InvalidRequest or VisionErrorKind.Unsupported or VisionErrorKind.TooLarge ? e.Message
                    : $"The model cannot answer now ({kind}).";
            }

            if (problem is not null)
            {
                yield return new SseItem<string>(JsonSerializer.Serialize(new { error = problem }), "error");
                yield break;
            }

            updates.Add(stream.Current);
            if (stream.Current.Text.Length > 0)
                yield return new SseItem<string>(JsonSerializer.Serialize(new { text = stream.Current.Text }), "text");
        }
    }

    var response = updates.ToChatResponse();
    var report = response.GetPruningReport();
    yield return new SseItem<string>(JsonSerializer.Serialize(new
    {
        visual_tokens = report?.VisualTokens,
        visual_tokens_kept = report?.VisualTokensKept,
        preset = report?.Preset.ToString(),
        boxes = response.GetGroundings().Select(g => new { g.Label, box = new[] { g.Box.Left, g.Box.Top, g.Box.Right, g.Box.Bottom } }),
    }), "done");
}

/// <summary>A page to try it by hand.</summary>
internal static class Page
{
    public const string Html = """
        <!doctype html><meta charset="utf-8"><title>Ask an image</title>
        <style>body{font:16px sans-serif;max-width:44rem;margin:2rem auto}canvas{max-width:100%}#answer{white-space:pre-wrap}</style>
        <form><input type="file" name="image" accept="image/*" required>
          <input name="question" size="40" value="What is in the image?" required> <button>Ask</button></form>
        <p id="answer"></p><p id="note"></p><canvas id="view"></canvas>
        <script>
        const form = document.querySelector('form'), answer = document.getElementById('answer'),
            note = document.getElementById('note'), view = document.getElementById('view');
        form.onsubmit = async e => {
            e.preventDefault(); answer.textContent = note.textContent = '';
            const data = new FormData(form), picture = await createImageBitmap(data.get('image')), pen = view.getContext('2d');
            [view.width, view.height] = [picture.width, picture.height]; pen.drawImage(picture, 0, 0);
            const reader = (await fetch('/ask', { method: 'POST', body: data })).body.pipeThrough(new TextDecoderStream()).getReader();
            for (let rest = '', part; !(part = await reader.read()).done;) {
                const events = (rest + part.value).split('\n\n'); rest = events.pop();
                for (const event of events) {
                    const name = /^event: (.*)$/m.exec(event)?.[1], value = JSON.parse(/^data: (.*)$/m.exec(event)[1]);
                    if (name === 'text') answer.textContent += value.text;
                    else if (name === 'error') note.textContent = value.error;
                    else {
                        note.textContent = `${value.visual_tokens_kept} of ${value.visual_tokens} visual tokens kept (${value.preset})`;
                        pen.lineWidth = Math.max(2, view.width / 200); pen.strokeStyle = 'magenta';
                        for (const { box: [l, t, r, b] } of value.boxes)
                            pen.strokeRect(l * view.width, t * view.height, (r - l) * view.width, (b - t) * view.height);
                    }
                }
            }
        };
        </script>
        """;
}
