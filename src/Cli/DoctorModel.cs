using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Cli;

/// <summary>A known model on this machine.</summary>
/// <param name="Model">The model.</param>
/// <param name="Device">Where it would run.</param>
/// <param name="Bytes">What it needs in 16 bit for one image and an answer of 512 tokens.</param>
/// <param name="Fits">Whether that is free.</param>
/// <param name="Cached">Whether its files are here.</param>
/// <param name="TokensPerSecond">Estimated speed of answering; null without a probe.</param>
/// <param name="PrefillSeconds">Estimated time to the first token; null without a probe.</param>
internal sealed record DoctorModel(
    KnownModel Model, string Device, long Bytes, bool Fits, bool Cached, double? TokensPerSecond, double? PrefillSeconds);
