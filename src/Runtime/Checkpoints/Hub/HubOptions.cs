namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Where models come from and where they are kept. The defaults are those of the Hub's own client,
/// environment variables included.</summary>
public sealed class HubOptions
{
    /// <summary>The Hub's address (<c>HF_ENDPOINT</c>).</summary>
    public string Endpoint { get; set; } = HubEnvironment.Endpoint;

    /// <summary>The cache (<c>HF_HUB_CACHE</c>, <c>HF_HOME</c>/hub, ~/.cache/huggingface/hub),
    /// shared with the Hub's Python tools.</summary>
    public string CacheFolder { get; set; } = HubEnvironment.CacheFolder;

    /// <summary>Access token (<c>HF_TOKEN</c> or the stored one); sent to the endpoint only. Null for none.</summary>
    public string? Token { get; set; } = HubEnvironment.Token;

    /// <summary>Ask no server (<c>HF_HUB_OFFLINE</c>).</summary>
    public bool Offline { get; set; } = HubEnvironment.Offline;

    /// <summary>Files fetched at the same time, at least 1.</summary>
    public int Parallel { get; set; } = 2;

    /// <summary>Tries without any progress before giving up, at least 1.</summary>
    public int Tries { get; set; } = 6;

    /// <summary>Pause before the second try; it doubles with each one.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Longest pause that a server may ask for.</summary>
    public TimeSpan LongestWait { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Silence after which a connection counts as lost.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Looks at the model's small files before any weights are fetched; throws to refuse the model. Null accepts all.</summary>
    public Action<CheckpointFolder>? Accept { get; set; }

    /// <summary>Free bytes for a folder; replaced by tests.</summary>
    internal Func<string, long> FreeBytes { get; set; } = static folder => new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;

    /// <exception cref="ArgumentException">A value cannot be honoured.</exception>
    internal void Validate()
    {
        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new ArgumentException(
                $"The Hub's endpoint is '{Endpoint}'; expected an address such as https://huggingface.co (HF_ENDPOINT).");
        if (Parallel < 1) throw new ArgumentException($"Parallel is {Parallel}; it must be at least 1.");
        if (Tries < 1) throw new ArgumentException($"Tries is {Tries}; it must be at least 1.");
        if (string.IsNullOrWhiteSpace(CacheFolder)) throw new ArgumentException("CacheFolder is empty.");
    }
}
