using D2Pruner.AI.Runtime;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary>Loads models with progress: a bar in a terminal, a line every two seconds elsewhere.</summary>
internal static class ModelSession
{
    public static async Task<VisionLanguageEngine> LoadAsync(VisionModelOptions options, bool quiet, CancellationToken cancellationToken)
    {
        if (quiet || Console.IsErrorRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
            return await VisionLanguageEngine.LoadAsync(options, new Lines(), null, cancellationToken);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress().HideCompleted(true).AutoClear(true).StartAsync(async context =>
        {
            var task = context.AddTask("Loading");
            return await VisionLanguageEngine.LoadAsync(options, new Bar(task), null, cancellationToken);
        });
    }

    private sealed class Bar(ProgressTask task) : IProgress<ModelLoadProgress>
    {
        public void Report(ModelLoadProgress value) => (task.Description, task.Value) = (Markup.Escape(value.Stage), 100 * value.Fraction);
    }

    private sealed class Lines : IProgress<ModelLoadProgress>
    {
        private readonly System.Diagnostics.Stopwatch _watch = System.Diagnostics.Stopwatch.StartNew();
        private TimeSpan _next = TimeSpan.FromSeconds(2);

        public void Report(ModelLoadProgress value)
        {
            if (_watch.Elapsed < _next) return;
            _next = _watch.Elapsed + TimeSpan.FromSeconds(2);
            Console.Error.WriteLine(Output.Invariant($"{value.Stage} {100 * value.Fraction:F0}%"));
        }
    }
}
