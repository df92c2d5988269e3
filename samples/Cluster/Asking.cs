using System.Diagnostics;
using System.Globalization;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Samples.Cluster;

/// <summary>Asks and prints.</summary>
internal static class Asking
{
    private static readonly string[] Questions = ["What colour is the circle?", "How many things are there?", "Is there a triangle?"];

    /// <summary>Asks one question and prints the answer, or the kind of what went wrong.</summary>
    public static async Task AskAsync(IChatClient client, int number, CancellationToken stopping)
    {
        var question = Questions[number % Questions.Length];
        var name = number % 2 == 0 ? "shapes.png" : "changed.png";
        var image = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "images", name), stopping);
        var watch = Stopwatch.StartNew();
        string outcome;
        try
        {
            var response = await client.GetResponseAsync(
                [new ChatMessage(ChatRole.User, [new DataContent(image, "image/png"), new TextContent(question)])],
                new ChatOptions { MaxOutputTokens = 16 }, stopping);
            outcome = response.Text.Trim();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            outcome = $"({e.GetVisionErrorKind()}) {e.Message}";
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{DateTime.Now:HH:mm:ss} {question} {outcome} [{watch.Elapsed.TotalMilliseconds:0} ms]"));
    }
}
