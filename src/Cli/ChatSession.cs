using System.Globalization;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary>A conversation in the terminal: lines in, streamed answers out.</summary>
internal sealed class ChatSession(
    D2PrunerChatClient client, TextReader input, TextWriter output, PruningPreset preset, VisualPruningOptions overrides,
        int maxTokens, bool allowUrl)
{
    private const string Help = """
        /image PATH      an image for the next question (a line that is only a path does the same)
        /preset NAME     auto, understanding, localization or none
        /overlay FILE    draw what was kept of the next answer's first image to a PNG; /overlay off
        /history         what was said
        /clear           forget it
        /exit            end (or Ctrl-D); Ctrl-C stops an answer
        """;

    private readonly List<ChatMessage> _history = [];
    private readonly List<DataContent> _waiting = [];
    private PruningPreset _preset = preset;
    private FileInfo? _overlay;

    /// <summary>Instructions that precede the conversation.</summary>
    public string? Instructions { get; init; }

    /// <summary>Reads lines until the input ends or the user does.</summary>
    public async Task RunAsync(IEnumerable<DataContent> images, CancellationToken cancellationToken)
    {
        _waiting.AddRange(images);
        var interactive = !Console.IsInputRedirected;
        if (interactive)
            output.WriteLine($"{client.GetService<ChatClientMetadata>()?.DefaultModelId}. Name an image by its path, then ask; /help " +
                "lists commands.");
        while (true)
        {
            if (interactive) output.Write("> ");
            if (await input.ReadLineAsync(cancellationToken) is not { } line) return;
            line = line.Trim();
            try
            {
                if (line is "/exit" or "/quit") return;
                if (line.Length == 0) continue;
                if (line[0] == '/' && !File.Exists(line)) await CommandAsync(line, cancellationToken);
                else if (await AddAsync(line, cancellationToken) is { } question) await AskAsync(question, cancellationToken);
            }
            catch (Exception e) when (e.GetVisionErrorKind() is not null and not VisionErrorKind.Internal)
            {
                // A mistake ends no conversation.
                Failure.Error(e.Message);
            }
        }
    }

    private async Task CommandAsync(string line, CancellationToken cancellationToken)
    {
        var (word, rest) = line.Split(' ', 2, StringSplitOptions.TrimEntries) is [var first, var second] ? (first, second) : (line, "");
        switch (word)
        {
            case "/help":
                output.WriteLine(Help);
                break;
            case "/image" when rest.Length > 0:
                await ImageAsync(Unquote(rest), cancellationToken);
                break;
            case "/preset":
                _preset = Enum.TryParse<PruningPreset>(rest, ignoreCase: true, out var named) && Enum.IsDefined(named) ? named
                    : throw new ArgumentException($"'{rest}' is no preset; there are auto, understanding, localization and none.");
                output.WriteLine($"preset: {_preset}");
                break;
            case "/overlay" when rest.Length > 0:
                var file = rest == "off" ? null : new FileInfo(Unquote(rest));
                OutputFile.EnsureWritable("/overlay", file);
                _overlay = file;
                output.WriteLine(_overlay is null ? "no overlay" : $"overlay: {_overlay.FullName}");
                break;
            case "/history":
                foreach (var m in _history)
                    output.WriteLine($"{m.Role}: {string.Concat(m.Contents.OfType<DataContent>().Select(_ => "[image] "))}{m.Text}");
                break;
            case "/clear":
                _history.Clear();
                _waiting.Clear();
                output.WriteLine("forgotten");
                break;
            default:
                throw new ArgumentException($"'{line}' is no command; /help lists them.");
        }
    }

    /// <summary>Takes images out of a line: a line that is a path is one, and so is every word of it that names a file.</summary>
    /// <returns>What is left to ask, or null.</returns>
    private async Task<string?> AddAsync(string line, CancellationToken cancellationToken)
    {
        if (IsImage(Unquote(line)))
        {
            await ImageAsync(Unquote(line), cancellationToken);
            return null;
        }

        var words = line.Split(' ').ToList();
        foreach (var word in words.Where(w => IsImage(Unquote(w))).ToList())
        {
            await ImageAsync(Unquote(word), cancellationToken);
            words.Remove(word);
        }

        return string.Join(' ', words) is { Length: > 0 } question ? question : null;
    }

    private async Task ImageAsync(string source, CancellationToken cancellationToken)
    {
        _waiting.Add(await ImageInput.ReadAsync(source, allowUrl, cancellationToken));
        output.WriteLine($"image: {source}");
    }

    private async Task AskAsync(string question, CancellationToken cancellationToken)
    {
        var message = new ChatMessage(ChatRole.User, [.. _waiting, new TextContent(question)]);
        var options = new ChatOptions { MaxOutputTokens = maxTokens, Instructions = Instructions };
        if (_overlay is not null) options.AdditionalProperties = new() { [AskCommand.IncludeScores] = true };
        options.WithPruning(_preset).WithPruning(overrides);
        using var answering = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // The first Ctrl-C stops the answer, not the conversation.
        void Stop(object? sender, ConsoleCancelEventArgs e)
        {
            e.Cancel = true;
            answering.Cancel();
        }

        Console.CancelKeyPress += Stop;
        List<ChatResponseUpdate> updates = [];
        try
        {
            await foreach (var update in client.GetStreamingResponseAsync([.. _history, message], options, answering.Token))
            {
                updates.Add(update);
                output.Write(update.Text);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            output.WriteLine(" (stopped; not kept)");
            return;
        }
        finally
        {
            Console.CancelKeyPress -= Stop;
        }

        output.WriteLine();
        var response = updates.ToChatResponse();
        response.RawRepresentation = updates.Select(u => u.RawRepresentation).OfType<GenerationCompleted>().LastOrDefault()?.Result;
        if (response.GetPruningReport() is { VisualTokens: > 0 } report)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"({report.VisualTokensKept} of {report.VisualTokens} visual tokens, {report.Preset}, {report.Times.PrefillMs:F0} ms to " +
                $"the first token)"));
        foreach (var g in response.GetGroundings())
            output.WriteLine(Output.Invariant($"box {g.Label}: [{g.Box.Left:F3}, {g.Box.Top:F3}, {g.Box.Right:F3}, {g.Box.Bottom:F3}]"));
        _history.Add(message);
        _history.AddMessages(response);
        var images = _history.SelectMany(m => m.Contents).OfType<DataContent>().ToList();
        _waiting.Clear();
        if (_overlay is { } target && images.Count > 0)
        {
            OverlayFile.Write(target, response, images[0]);
            output.WriteLine($"written: {target.FullName}");
        }
    }

    private static bool IsImage(string text) =>
        text.Length is > 3 and < 1024
            && Path.GetExtension(text).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg" or ".webp" or ".gif" or ".bmp"
            && File.Exists(text);

    private static string Unquote(string text) => text.Length > 1 && text[0] == text[^1] && text[0] is '"' or '\'' ? text[1..^1] : text;
}
