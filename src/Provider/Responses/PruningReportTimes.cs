using System.Globalization;
using System.Text.Json.Serialization;

namespace D2Pruner.AI;

/// <summary>Times of one answer, in milliseconds.</summary>
public sealed class PruningReportTimes
{
    /// <summary>Waiting for the engine.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double QueueMs { get; init; }

    /// <summary>Decoding and resizing images, tokenizing.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double PreprocessMs { get; init; }

    /// <summary>Vision tower and projector.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double VisionMs { get; init; }

    /// <summary>All decoder layers over the prompt, pruning included.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double PrefillMs { get; init; }

    /// <summary>The part of the prefill spent on pruning.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double PruneMs { get; init; }

    /// <summary>All decode steps.</summary>
    [JsonConverter(typeof(RoundedJson))]
    public double DecodeMs { get; init; }

    /// <summary>The times on one line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"queue {QueueMs:0.#} ms, preprocess {PreprocessMs:0.#} ms, vision {VisionMs:0.#} ms, prefill {PrefillMs:0.#} ms (pruning " +
            $"{PruneMs:0.#} ms), decode {DecodeMs:0.#} ms");
}
