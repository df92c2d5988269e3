using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Keeps what is logged.</summary>
internal sealed class CollectingLogger : ILoggerFactory, ILogger
{
    private readonly List<(LogLevel Level, string Text, Exception? Error)> _entries = [];

    public IReadOnlyList<(LogLevel Level, string Text, Exception? Error)> Entries { get { lock (_entries) return [.. _entries]; } }

    public IReadOnlyList<string> Lines => [.. Entries.Select(e => $"{e.Level}: {e.Text}")];

    /// <summary>Called with every text, on the thread that logs it.</summary>
    public Action<string>? Heard { get; init; }

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception);
        lock (_entries) _entries.Add((logLevel, text, exception));
        Heard?.Invoke(text);
    }

    public void Dispose()
    {
    }
}
