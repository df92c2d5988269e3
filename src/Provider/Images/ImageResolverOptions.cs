using System.ComponentModel.DataAnnotations;

namespace D2Pruner.AI;

/// <summary>What an <see cref="AllowListImageResolver"/> may read; everything else is refused (configuration
/// section <c>D2Pruner:Images</c>).</summary>
public sealed class ImageResolverOptions
{
    /// <summary>Folders whose files, at any depth, may be read. Links are followed first: one that leads outside is refused.</summary>
    public IList<string> AllowedRoots { get; set; } = [];

    /// <summary>Whether links inside the folders are followed, as far as they stay in them; default
    /// true. False refuses every link.</summary>
    public bool FollowLinks { get; set; } = true;

    /// <summary>Hosts that may be asked over http or https: <c>images.example.org</c>, or <c>*.example.org</c> for every host below
    /// it. Redirects obey the list too.</summary>
    public IList<string> AllowedHosts { get; set; } = [];

    /// <summary>Whether an allowed host may lie at a loopback, private or link-local address; default false. Checked on the
    /// address that is connected to.</summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>Largest image in bytes; default 64 MiB.</summary>
    [Range(1d, 1e12)]
    public long MaxBytes { get; set; } = 64L << 20;

    /// <summary>Longest time for one image, redirects included; default 15 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "1.00:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Redirects that are followed, 0..20; default 3.</summary>
    [Range(0, 20)]
    public int MaxRedirects { get; set; } = 3;
}
