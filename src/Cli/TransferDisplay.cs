using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary>Shows a transfer's progress: a bar in a terminal, a line every two seconds elsewhere; always on standard error.</summary>
internal static class TransferDisplay
{
    public static async Task<T> RunAsync<T>(Func<IProgress<HubProgress>, Task<T>> action)
    {
        if (Console.IsErrorRedirected || !AnsiConsole.Profile.Capabilities.Interactive) return await action(new Lines());
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(context => action(new Bar(context.AddTask("Starting"))));
    }

    internal static string Describe(HubProgress p)
    {
        var text = p.Stage;
        if (p.FilesTotal > 1) text += $", file {Math.Min(p.FilesDone + 1, p.FilesTotal)} of {p.FilesTotal}";
        if (p.BytesTotal > 0) text += $", {Units.Short(p.BytesDone)} of {Units.Short(p.BytesTotal)}";
        if (p.BytesPerSecond > 0) text += $", {Units.Short(p.BytesPerSecond)}/s";
        if (p.TimeLeft is { } left && left.TotalSeconds >= 1)
            text += $", {(left.TotalDays >= 1 ? left.ToString(@"d\.hh\:mm\:ss") : left.ToString(@"hh\:mm\:ss"))} left";
        return text;
    }

    private sealed class Bar(ProgressTask task) : IProgress<HubProgress>
    {
        public void Report(HubProgress value)
        {
            task.Description = Markup.Escape(Describe(value));
            task.Value = 100 * value.Fraction;
        }
    }

    private sealed class Lines : IProgress<HubProgress>
    {
        private readonly Lock _gate = new();
        private readonly System.Diagnostics.Stopwatch _watch = System.Diagnostics.Stopwatch.StartNew();
        private TimeSpan _next = TimeSpan.FromSeconds(2);
        private string _stage = "";

        public void Report(HubProgress value)
        {
            lock (_gate)
            {
                // A retry is told at once, a file's start only with the next line.
                var trouble = value.Stage != _stage && value.Stage.Contains("; ", StringComparison.Ordinal);
                if (_watch.Elapsed < _next && !trouble) return;
                _stage = value.Stage;
                _next = _watch.Elapsed + TimeSpan.FromSeconds(2);
                Console.Error.WriteLine(Describe(value));
            }
        }
    }
}
