namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Fetches data sets from the Hugging Face Hub into its cache (<c>datasets--owner--name</c>, as its Python tools have it), by the
/// same transfers as <see cref="ModelHub"/>.</summary>
internal static class DataSetHub
{
    /// <summary>Fetches some files of a data set, unless they are there; an interrupted fetch goes on where it ended.</summary>
    /// <param name="id"><c>owner/name</c> or <c>owner/name@revision</c>.</param>
    /// <param name="wanted">Says of a file, by its path in the repository, whether it is wanted.</param>
    /// <param name="options">Where from and where to; null takes the environment's settings.</param>
    /// <param name="progress">Gets progress, from several threads.</param>
    /// <param name="cancellationToken">Ends it; what came stays for the next time.</param>
    /// <returns>The data set in the cache.</returns>
    /// <exception cref="ArgumentException">The id or an option cannot be read.</exception>
    /// <exception cref="HubException">It cannot be had, or holds no wanted file; <see cref="HubException.Kind"/> tells why.</exception>
    public static async Task<HubSnapshot> PullAsync(
        string id, Func<string, bool> wanted, HubOptions? options = null, IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        var set = HubId.Parse(id) with { IsDataSet = true };
        options ??= new HubOptions();
        options.Validate();
        var cache = new HubCache(options.CacheFolder);
        if (options.Offline) throw new HubException(HubErrorKind.Offline, $"Offline mode is on (HF_HUB_OFFLINE); {set} cannot be fetched.");
        var meter = new TransferMeter(progress);
        var retry = new HubRetry(options, meter.Stage);
        using var client = new HubClient(options);
        meter.Stage($"Asking {options.Endpoint} for {set}");
        var listing = await retry.RunAsync(set.ToString(), () => client.ListAsync(set, cancellationToken), null, cancellationToken)
            .ConfigureAwait(false);
        HubFile[] files = [.. listing.Files.Where(f => wanted(f.Name))];
        if (files.Length == 0)
            throw new HubException(HubErrorKind.NotFound,
                $"{set} holds no wanted file; it holds " +
                $"{string.Join(", ", listing.Files.Take(8).Select(f => f.Name))}{(listing.Files.Count > 8 ? "..." : "")}.");
        var commit = listing.Commit;
        for (var i = 0; i < files.Length; i++)
        {
            if (files[i] is { Etag: not null, Size: not null } && commit.Length > 0) continue;
            var file = files[i];
            var (full, found) = await retry.RunAsync(
                $"{set}: {file.Name}", () =>
                client.DescribeAsync(set, listing.Commit.Length > 0 ? listing.Commit : set.Revision, file, cancellationToken), null,
                cancellationToken).ConfigureAwait(false);
            if (commit.Length == 0) commit = found ?? set.Revision.Replace('/', '-');
            files[i] = full;
        }

        ModelHub.EnsureSpace(cache, options, set, commit, files);
        meter.Expect(files.Length, files.Sum(f => f.Size ?? 0));
        var download = new HubDownload(client, cache, options, meter);
        await Parallel.ForEachAsync(
            files, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = cancellationToken },
            async (file, token) => await download.FetchAsync(
                set, commit, listing.Commit.Length > 0 ? listing.Commit : set.Revision, file, token).ConfigureAwait(false))
                .ConfigureAwait(false);
        cache.SetReference(set, commit);
        meter.Stage("Ready");
        return new HubSnapshot(set, commit, cache.Snapshot(set, commit), files.Sum(f => f.Size ?? 0), meter.Received);
    }
}
