using System.Globalization;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Samples.ChatApp;

/// <summary>A conversation: history, pictures waiting for the next question, and commands.</summary>
internal sealed class ChatSession(IChatClient client)
{
    private const string Help = """
        /image PATH     adds a picture to the next question
        /preset NAME    auto, understanding, localization or none
        /history        what was said so far
        /clear          starts over
        /quit           ends (an empty line does nothing)
        """;

    private readonly List<ChatMessage> history = [];
    private readonly List<AIContent> waiting = [];
    private PruningPreset preset = PruningPreset.Auto;
    private CancellationTokenSource? answering;

    /// <summary>Lines that could not be honoured.</summary>
    public int Failures { get; private set; }

    /// <summary>Stops the answer that is being written.</summary>
    /// <returns>False when there is none.</returns>
    public bool CancelAnswer()
    {
        if (answering is not { } source) return false;
        source.Cancel();
        return true;
    }

    /// <summary>Does what a line says.</summary>
    /// <returns>False to end.</returns>
    public async Task<bool> HandleAsync(string line)
    {
        var (word, rest) = line.Split(' ', 2, StringSplitOptions.TrimEntries) is [var first, var second] ? (first, second) : (line, "");
        try
        {
            switch (word)
            {
                case "":
                    break;
                case "/quit" or "/exit":
                    return false;
                case "/help":
                    Console.WriteLine(Help);
                    break;
                case "/image":
                    var bytes = File.ReadAllBytes(rest.Trim('"'));
                    var picture = ImageDecoder.Decode(bytes); // a broken file is told now, not with the next question
                    waiting.Add(new DataContent(bytes, "image/*"));
                    Console.WriteLine($"[{Path.GetFileName(rest)}: {picture.Width}x{picture.Height}, goes with the next question]");
                    break;
                case "/preset":
                    preset = Enum.TryParse<PruningPreset>(rest, ignoreCase: true, out var named) && Enum.IsDefined(named) ? named
                        : throw new ArgumentException($"'{rest}' is no preset; known: auto, understanding, localization, none.");
                    Console.WriteLine($"[preset {preset}]");
                    break;
                case "/history":
                    foreach (var message in history) Console.WriteLine($"{message.Role}: {Shown(message)}");
                    break;
                case "/clear":
                    history.Clear();
                    waiting.Clear();
                    Console.WriteLine("[new conversation]");
                    break;
                case ['/', ..]:
                    throw new ArgumentException($"Unknown command '{word}'; /help lists them.");
                default:
                    await AskAsync(line);
                    break;
            }
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException or NotSupportedException
            or ImageDecodeException)
        {
            Failures++;
            Console.WriteLine($"[{e.Message}]");
        }

        return true;
    }

    private async Task AskAsync(string question)
    {
        var message = new ChatMessage(ChatRole.User, [.. waiting, new TextContent(question)]);
        var options = new ChatOptions { Temperature = 0 }.WithPruning(preset);
        List<ChatResponseUpdate> updates = [];
        using var source = answering = new CancellationTokenSource();
        try
        {
            await foreach (var update in client.GetStreamingResponseAsync([.. history, message], options, source.Token))
            {
                updates.Add(update);
                Console.Write(Terminal.Safe(update.Text));
            }
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine(" [stopped]");
            return;
        }
        finally
        {
            answering = null;
        }

        // Only an answered question becomes history: a failed one can be asked again with its pictures.
        var response = updates.ToChatResponse();
        waiting.Clear();
        history.Add(message);
        history.AddMessages(response);
        Console.WriteLine();
        foreach (var region in response.GetGroundings())
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"[box: {(region.Label is { } label ? label + " " : "")}{region.Box.Left:0.00},{region.Box.Top:0.00} to " +
                $"{region.Box.Right:0.00},{region.Box.Bottom:0.00}]"));
        if (response.GetPruningReport() is { } report)
        {
            var times = report.Times;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"[{report.Preset}: {report.VisualTokensKept} of {report.VisualTokens} visual tokens kept; " +
                $"{response.Usage?.OutputTokenCount} tokens; vision {times.VisionMs:F0}, prefill {times.PrefillMs:F0}, decode " +
                $"{times.DecodeMs:F0} ms]"));
        }
    }

    private static string Shown(ChatMessage message) =>
        string.Concat(message.Contents.OfType<DataContent>().Select(p => $"({p.Data.Length} bytes of picture) "))
            + Terminal.Safe(message.Text);
}
