using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>What <c>/metrics</c> shows: counts and times of requests here, gauges read from the engines. Names are the
/// spec's, label <c>model_name</c>.</summary>
internal sealed class ServerMetrics
{
    public const string MeterName = "D2Pruner.AI.Server";

    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _perToken;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _prompt;
    private readonly Counter<long> _generated;
    private readonly Counter<long> _visual;
    private readonly Counter<long> _visualKept;
    // By model, from its answers, where its engine is not in this process.
    private readonly ConcurrentDictionary<string, (long Queries, long Hits)> _prefixes = new();

    public ServerMetrics(IMeterFactory factory, ServedModels models)
    {
        var meter = factory.Create(MeterName);
        _firstToken = meter.CreateHistogram(
            "d2pruner_time_to_first_token_seconds", null, "From a request's arrival to the first piece of its answer.", null,
            Bounds(0.01, 60));
        _perToken = meter.CreateHistogram(
            "d2pruner_time_per_output_token_seconds", null, "Mean time of a token after the first.", null, Bounds(0.001, 2.5));
        _requests = meter.CreateCounter<long>(
            "d2pruner_requests_total", null,
            "Requests by outcome: ok, length, invalid, unauthorized, too_large, busy, unavailable, cancelled, failed.");
        _prompt = meter.CreateCounter<long>("d2pruner_prompt_tokens_total", null, "Prompt tokens, visual ones included, before pruning.");
        _generated = meter.CreateCounter<long>("d2pruner_generation_tokens_total", null, "Generated tokens.");
        _visual = meter.CreateCounter<long>("d2pruner_visual_tokens_total", null, "Visual tokens before pruning.");
        _visualKept = meter.CreateCounter<long>("d2pruner_visual_tokens_kept_total", null, "Visual tokens that were kept.");
        Prefix("d2pruner_prefix_cache_queries_total", "Prompt tokens that were looked up in the prefix cache.", p => p.Queries);
        Prefix("d2pruner_prefix_cache_hits_total", "Prompt tokens that were found in the prefix cache.", p => p.Hits);
        Gauge("d2pruner_num_requests_waiting", "Requests that wait.", r => r.Waiting);
        Gauge("d2pruner_num_requests_running", "Requests in work.", r => r.Running);
        Gauge("d2pruner_kv_cache_usage_ratio", "Share of the memory for keys and values that is in use, 0..1.", r => r.KvUsage);
        foreach (var model in models.All) Touch(model.Id);

        void Prefix(string name, string description, Func<(long Queries, long Hits), long> value) =>
            meter.CreateObservableCounter(
                name, () => models.All.Select(
                    m => new Measurement<long>(value(m.PrefixCounts ?? _prefixes.GetValueOrDefault(m.Id)), Label(m.Id))).ToList(),
                null, description);

        void Gauge(string name, string description, Func<EngineReading, double> value) =>
            meter.CreateObservableGauge(
                name, () => models.All.Select(m => new Measurement<double>(value(EngineReading.Of(m)), Label(m.Id))).ToList(),
                null, description);
    }

    /// <summary>Counts a request.</summary>
    public void Ended(string model, string outcome) => _requests.Add(1, Label(model), new("outcome", outcome));

    /// <summary>Counts an answer's tokens and times.</summary>
    /// <param name="model">Name of the model.</param>
    /// <param name="usage">What the client counted.</param>
    /// <param name="firstToken">Seconds to the first piece; null where there was none.</param>
    /// <param name="total">Seconds to the end.</param>
    /// <param name="lookedUp">Whether its prompt could be looked up in the prefix cache.</param>
    public void Answered(string model, UsageDetails? usage, double? firstToken, double total, bool lookedUp)
    {
        if (firstToken is { } first) _firstToken.Record(first, Label(model));
        if (usage is null) return;
        var generated = usage.OutputTokenCount ?? 0;
        if (firstToken is { } f && generated > 1) _perToken.Record((total - f) / (generated - 1), Label(model));
        Add(_prompt, usage.InputTokenCount);
        Add(_generated, generated);
        Add(_visual, usage.AdditionalCounts?.GetValueOrDefault(D2PrunerKeys.VisualTokens));
        Add(_visualKept, usage.AdditionalCounts?.GetValueOrDefault(D2PrunerKeys.VisualTokensKept));
        if (lookedUp)
        {
            var (queries, hits) = (usage.InputTokenCount ?? 0, usage.CachedInputTokenCount ?? 0);
            _prefixes.AddOrUpdate(model, _ => (queries, hits), (_, p) => (p.Queries + queries, p.Hits + hits));
        }

        void Add(Counter<long> counter, long? count)
        {
            if (count > 0) counter.Add(count.Value, Label(model));
        }
    }

    // A counter that was never added to is not exported; scrapers want zeros from the start.
    private void Touch(string model)
    {
        foreach (var counter in (Counter<long>[])[_prompt, _generated, _visual, _visualKept])
            counter.Add(0, Label(model));
        _requests.Add(0, Label(model), new("outcome", Outcomes.Ok));
    }

    private static KeyValuePair<string, object?> Label(string model) => new("model_name", model);

    // 1, 2.5, 5 in every power of ten.
    private static InstrumentAdvice<double> Bounds(double from, double to)
    {
        List<double> bounds = [];
        for (var decade = 0.001; decade <= to; decade *= 10)
            foreach (var step in (double[])[1, 2.5, 5])
                if (Math.Round(decade * step, 6) is var bound && bound >= from && bound <= to) bounds.Add(bound);
        return new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds };
    }
}
