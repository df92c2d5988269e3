namespace D2Pruner.AI.Orleans.Wire;

/// <summary>The key of an <see cref="IAnswerGrain"/>: two versions of a model never share one.</summary>
/// <param name="Fingerprint">Version of the model.</param>
/// <param name="Image">Hash of the conversation's first image; null for requests without images.</param>
/// <param name="Replica">0, and more for each worker that the request was handed on from.</param>
/// <param name="Model">Name of the model.</param>
internal readonly record struct GrainRoute(string Fingerprint, string? Image, int Replica, string Model)
{
    /// <summary>The key. Requests without images have one of their own each.</summary>
    public string ToKey() => $"{Fingerprint}|{Image ?? "-" + Guid.NewGuid().ToString("N")}|{Replica}|{Model}";

    /// <summary>Reads a key.</summary>
    public static GrainRoute Parse(string key)
    {
        var parts = key.Split('|', 4);
        return new GrainRoute(
            parts[0], parts[1].StartsWith('-') ? null : parts[1], int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture),
            parts[3]);
    }
}
