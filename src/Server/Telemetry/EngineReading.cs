namespace D2Pruner.AI.Server;

/// <summary>What the gauges show of an engine: the one place that reads its status for them.</summary>
/// <param name="Waiting">Requests that wait.</param>
/// <param name="Running">Requests in work.</param>
/// <param name="KvUsage">Share of the memory for keys and values in use, 0..1.</param>
internal readonly record struct EngineReading(int Waiting, int Running, double KvUsage)
{
    public static EngineReading Of(ServedModel model)
    {
        if (model.Status is not { } status) return default;
        var usage = status.MaxKvBytes > 0 ? Math.Clamp((double)status.KvBytes / status.MaxKvBytes, 0, 1) : 0;
        return new EngineReading(status.QueueLength, status.RunningSequences, usage);
    }
}
