using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>
/// Spans and measurements of the engine, source and meter <c>D2Pruner.AI</c>. They stay in the process unless the application exports them.
/// The standard <c>gen_ai.client.*</c> measurements are left to the framework's own middleware, which would count them twice.
/// </summary>
internal static class EngineTelemetry
{
    public const string Name = "D2Pruner.AI";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<VisionLanguageEngine>> Engines = [];
    private static readonly Histogram<double> Stage =
        Meter.CreateHistogram<double>(
            "d2pruner.stage.duration", "s",
            "Time of one stage of a request: queue, preprocess, vision, prune, prefill (prune included), decode.");
    private static readonly Histogram<long> Visual =
        Meter.CreateHistogram<long>("d2pruner.visual_tokens", "{token}", "Visual tokens of a request before pruning.");
    private static readonly Histogram<long> Kept =
        Meter.CreateHistogram<long>("d2pruner.visual_tokens.kept", "{token}", "Visual tokens of a request after pruning.");
    private static readonly Histogram<long> Kv =
        Meter.CreateHistogram<long>("d2pruner.kv.size", "By", "Keys and values held after the prompt.");
    private static readonly Counter<long> Requests =
        Meter.CreateCounter<long>("d2pruner.requests", "{request}", "Requests by outcome: ok, cancelled, failed, rejected, out_of_memory.");
    private static readonly Counter<long> Images =
        Meter.CreateCounter<long>("d2pruner.vision_cache.lookups", "{image}", "Images by result: hit (the tower was skipped) or miss.");

    static EngineTelemetry()
    {
        Gauge("d2pruner.queue.length", s => s.QueueLength, "{request}", "Requests waiting.");
        Gauge("d2pruner.sequences.running", s => s.RunningSequences, "{request}", "Answers in progress.");
        Gauge("d2pruner.weights.size", s => s.WeightBytes, "By", "Bytes of weights.");
        Gauge("d2pruner.kv_cache.usage", s => s.KvBytes, "By", "Bytes of keys and values reserved by the answers in progress.");
        Gauge("d2pruner.kv_cache.limit", s => s.MaxKvBytes, "By", "Bytes of keys and values that they may hold together.");
        Gauge("d2pruner.vision_cache.size", s => s.VisionCacheBytes, "By", "Bytes of cached image features.");
        Gauge("d2pruner.prefix_cache.size", s => s.PrefixCacheBytes, "By", "Bytes of cached prompt beginnings.");
        Count("d2pruner.prefix_cache.queries", s => s.PrefixCacheQueries, "Prompt tokens that were looked up in the prefix cache.");
        Count("d2pruner.prefix_cache.hits", s => s.PrefixCacheHits, "Prompt tokens that were found in the prefix cache.");

        static void Gauge(string name, Func<EngineStatus, long> value, string unit, string description) =>
            Meter.CreateObservableGauge(name, () => Observe(value), unit, description);

        static void Count(string name, Func<EngineStatus, long> value, string description) =>
            Meter.CreateObservableCounter(name, () => Observe(value), "{token}", description);
    }

    public static void Started(VisionLanguageEngine engine)
    {
        lock (Gate)
        {
            Engines.RemoveAll(w => !w.TryGetTarget(out _));
            Engines.Add(new WeakReference<VisionLanguageEngine>(engine));
        }
    }

    public static void Ended(VisionLanguageEngine engine)
    {
        lock (Gate) Engines.RemoveAll(w => !w.TryGetTarget(out var e) || ReferenceEquals(e, engine));
    }

    public static void Counted(string model, string outcome) =>
        Requests.Add(1, new("d2pruner.model", model), new("d2pruner.outcome", outcome));

    public static void LookedUp(string model, bool hit) =>
        Images.Add(1, new("d2pruner.model", model), new("d2pruner.result", hit ? "hit" : "miss"));

    public static void Prefilled(string model, PrefillSummary p, ActivityContext parent, DateTime queued)
    {
        var tag = new KeyValuePair<string, object?>("d2pruner.model", model);
        Visual.Record(p.VisualTokens, tag);
        Kept.Record(p.VisualTokensKept, tag);
        Kv.Record(p.KvBytes, tag);
        var at = Span(model, "queue", parent, queued, p.QueueTime, null);
        at = Span(model, "preprocess", parent, at, p.PreprocessTime, null);
        at = Span(model, "vision", parent, at, p.VisionTime, null);
        Span(model, "prefill", parent, at, p.PrefillTime, a =>
        {
            a.SetTag("d2pruner.prompt_tokens", p.PromptTokens).SetTag("d2pruner.prompt_tokens_kept", p.PromptTokensKept)
                .SetTag("d2pruner.visual_tokens", p.VisualTokens).SetTag("d2pruner.visual_tokens_kept", p.VisualTokensKept)
                .SetTag("d2pruner.kv_bytes", p.KvBytes);
            // Only its length is measured; it happens in the middle of the prefill, and is drawn at its end.
            if (p.Pruning is not null) Draw(model, "prune", a.Context, at + (p.PrefillTime - p.PruneTime), p.PruneTime, null);
        });
        if (p.Pruning is not null) Record(model, "prune", p.PruneTime);
    }

    public static void Decoded(string model, GenerationResult result, ActivityContext parent) =>
        Span(model, "decode", parent, DateTime.UtcNow - result.DecodeTime, result.DecodeTime,
            a => a.SetTag("d2pruner.tokens", result.TokenIds.Count));

    // Every stage is measured; it becomes a span where somebody listens.
    private static DateTime Span(
        string model, string stage, ActivityContext parent, DateTime start, TimeSpan duration, Action<Activity>? describe)
    {
        Record(model, stage, duration);
        Draw(model, stage, parent, start, duration, describe);
        return start + duration;
    }

    private static void Draw(
        string model, string stage, ActivityContext parent, DateTime start, TimeSpan duration, Action<Activity>? describe)
    {
        using var activity = Source.StartActivity("d2pruner." + stage, ActivityKind.Internal, parent, startTime: start);
        if (activity is null) return;
        activity.SetTag("d2pruner.model", model);
        describe?.Invoke(activity);
        activity.SetEndTime(start + duration);
    }

    private static void Record(string model, string stage, TimeSpan duration) =>
        Stage.Record(duration.TotalSeconds, new("d2pruner.model", model), new("d2pruner.stage", stage));

    private static List<Measurement<long>> Observe(Func<EngineStatus, long> value)
    {
        lock (Gate)
        {
            return [.. Engines.Select(w => w.TryGetTarget(out var e) ? e : null).OfType<VisionLanguageEngine>()
                .Select(e => new Measurement<long>(value(e.GetStatus()), new KeyValuePair<string, object?>("d2pruner.model", e.Model.Id)))];
        }
    }
}
