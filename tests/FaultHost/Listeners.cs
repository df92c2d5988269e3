using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.FaultHost;

/// <summary>A logger, a meter's listener and a span's listener that throw whenever they are called.</summary>
internal sealed class Listeners : ILoggerFactory, ILogger
{
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _activities = new()
    {
        ShouldListenTo = s => s.Name == "D2Pruner.AI",
        Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        ActivityStarted = _ => throw new InvalidOperationException("span"),
        ActivityStopped = _ => throw new InvalidOperationException("span"),
    };

    public Listeners()
    {
        _meters.InstrumentPublished = (i, l) =>
        {
            if (i.Meter.Name == "D2Pruner.AI") l.EnableMeasurementEvents(i);
        };
        _meters.SetMeasurementEventCallback<double>((_, _, _, _) => throw new InvalidOperationException("meter"));
        _meters.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidOperationException("meter"));
        _meters.Start();
        ActivitySource.AddActivityListener(_activities);
    }

    public int Calls { get; private set; }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        Calls++;
        throw new InvalidOperationException("logger");
    }

    public void Dispose()
    {
        _meters.Dispose();
        _activities.Dispose();
    }
}
