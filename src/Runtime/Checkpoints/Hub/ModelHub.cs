namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Fetches models from the Hugging Face Hub into its cache, and looks after that cache. Files are
/// shared with the Hub's Python tools.</summary>
public static class ModelHub
{
    // What a file system needs besides the files.
    private const long Reserve = 64L << 20;

    /// <summary>
    /// Fetches the files of a model that the loader reads (safetensors, configuration, tokenizer), unless they are there. An interrupted
    /// fetch goes on where it ended; SHA-256 of large files is checked; two processes that want the same file share one transfer.
    /// </summary>
    /// <param name="id"><c>owner/name</c> or <c>owner/name@revision</c>.</param>
    /// <param name="options">Where from and where to; null takes the environment's settings.</param>
    /// <param name="progress">Gets progress, from several threads.</param>
    /// <param name="cancellationToken">Ends it; what came stays for the next time.</param>
    /// <returns>The model in the cache.</returns>
    /// <exception cref="ArgumentException">The id or an option cannot be read.</exception>
    /// <exception cref="HubException">The model cannot be had; <see cref="HubException.Kind"/> tells why.</exception>
    /// <exception cref="CheckpointException"><see cref="HubOptions.Accept"/> refused it.</exception>
    public static async Task<HubSnapshot> PullAsync(
        string id, HubOptions? options = null, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var model = HubId.Parse(id);
        options ??= new HubOptions();
        options.Validate();
        var cache = new HubCache(options.CacheFolder);
        if (options.Offline) return Offline(model, cache);
        var meter = new TransferMeter(progress);
        var retry = new HubRetry(options, meter.Stage);
        using var client = new HubClient(options);
        meter.Stage($"Asking {options.Endpoint} for {model}");
        var listing = await retry.RunAsync(model.ToString(), () => client.ListAsync(model, cancellationToken), null, cancellationToken)
            .ConfigureAwait(false);
        var download = new HubDownload(client, cache, options, meter);
        var commit = listing.Commit;
        var source = commit.Length > 0 ? commit : model.Revision;

        async Task<List<HubFile>> Describe(IReadOnlyList<HubFile> files)
        {
            var described = new List<HubFile>();
            foreach (var file in files)
            {
                if (file.Etag is not null && file.Size is not null && commit.Length > 0)
                {
                    described.Add(file);
                    continue;
                }

                var (full, found) = await retry.RunAsync(
                    $"{model}: {file.Name}", () => client.DescribeAsync(model, source, file, cancellationToken), null, cancellationToken)
                    .ConfigureAwait(false);
                if (commit.Length == 0) commit = found ?? model.Revision.Replace('/', '-');
                described.Add(full);
            }

            return described;
        }

        async Task Fetch(IReadOnlyList<HubFile> files) => await Parallel.ForEachAsync(
            files, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = cancellationToken },
            async (file, token) => await download.FetchAsync(model, commit, source, file, token).ConfigureAwait(false))
            .ConfigureAwait(false);

        // The small files decide which weights are read, and whether the model is wanted at all.
        var small = await Describe(HubFileSelection.Small(model, listing.Files)).ConfigureAwait(false);
        EnsureSpace(cache, options, model, commit, small);
        meter.Expect(small.Count, small.Sum(f => f.Size ?? 0));
        await Fetch(small).ConfigureAwait(false);
        var folder = cache.Snapshot(model, commit);
        options.Accept?.Invoke(CheckpointFolder.Open(folder));
        var weights = await Describe(HubFileSelection.Weights(model, listing.Files, folder)).ConfigureAwait(false);
        EnsureSpace(cache, options, model, commit, weights);
        meter.Expect(small.Count + weights.Count, small.Concat(weights).Sum(f => f.Size ?? 0));
        await Fetch(weights).ConfigureAwait(false);
        foreach (var name in HubFileSelection.ImageSettings.Where(n => listing.Files.All(f => f.Name != n)))
            cache.NoteAbsent(model, commit, name);
        // Last, so that nobody finds a revision that is not all there.
        cache.SetReference(model, commit);
        meter.Stage("Ready");
        return new HubSnapshot(model, commit, folder, Directory.GetFiles(folder).Sum(HubCache.Length), meter.Received);
    }

    /// <summary>Finds a model in the cache; asks no server.</summary>
    /// <param name="id"><c>owner/name</c> or <c>owner/name@revision</c>.</param>
    /// <param name="options">Where the cache is; null takes the environment's settings.</param>
    /// <returns>Its folder, or null where the cache does not hold all of it.</returns>
    /// <exception cref="ArgumentException">The id cannot be read.</exception>
    public static string? Find(string id, HubOptions? options = null) =>
        new HubCache((options ?? new HubOptions()).CacheFolder).Find(HubId.Parse(id)) is { } folder && HubCache.IsComplete(folder)
            ? folder : null;

    /// <summary>Lists the models in the cache.</summary>
    /// <param name="options">Where the cache is; null takes the environment's settings.</param>
    public static IReadOnlyList<CachedModel> List(HubOptions? options = null) =>
        new HubCache((options ?? new HubOptions()).CacheFolder).List();

    /// <summary>Removes a model from the cache: all of it, or one revision where the id names one, with the contents
    /// that no other revision shares.</summary>
    /// <param name="id"><c>owner/name</c> or <c>owner/name@revision</c>.</param>
    /// <param name="options">Where the cache is; null takes the environment's settings.</param>
    /// <returns>Bytes freed.</returns>
    /// <exception cref="ArgumentException">The id cannot be read.</exception>
    /// <exception cref="HubException">The cache does not hold it, or it is being fetched; nothing was removed.</exception>
    public static long Remove(string id, HubOptions? options = null)
    {
        var model = HubId.Parse(id);
        var cache = new HubCache((options ?? new HubOptions()).CacheFolder);
        return cache.Remove(model, everything: !id.Contains('@', StringComparison.Ordinal))
            ?? throw new HubException(
                HubErrorKind.NotFound, $"The cache '{cache.Root}' does not hold {model}; 'd2pruner list' shows what it holds.");
    }

    /// <summary>Reads every file of a cached model and compares it with its hash.</summary>
    /// <param name="id"><c>owner/name</c> or <c>owner/name@revision</c>.</param>
    /// <param name="options">Where the cache is; null takes the environment's settings.</param>
    /// <param name="progress">Gets progress.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Every file, those with a problem first.</returns>
    /// <exception cref="ArgumentException">The id cannot be read.</exception>
    /// <exception cref="HubException">The cache does not hold it.</exception>
    public static async Task<IReadOnlyList<VerifiedFile>> VerifyAsync(
        string id, HubOptions? options = null, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var model = HubId.Parse(id);
        var cache = new HubCache((options ?? new HubOptions()).CacheFolder);
        var folder = cache.Find(model)
            ?? throw new HubException(
                HubErrorKind.NotFound, $"The cache '{cache.Root}' does not hold {model}; 'd2pruner list' shows what it holds.");
        return await Task.Run(() =>
        {
            string[] files = [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal)];
            var meter = new TransferMeter(progress);
            meter.Expect(files.Length, files.Sum(HubCache.Length));
            var results = new List<VerifiedFile>();
            foreach (var file in files)
            {
                meter.Stage($"Checking {Path.GetFileName(file)}");
                results.Add(HubCache.Verify(file, meter.Add, cancellationToken));
                meter.FileDone();
            }

            try
            {
                CheckpointFolder.Open(folder).WeightFiles();
            }
            catch (CheckpointException e)
            {
                results.AddRange(e.Problems.Select(p => new VerifiedFile("model", 0, p, true)));
            }

            return (IReadOnlyList<VerifiedFile>)[.. results.OrderBy(r => r.Problem is null)];
        }, cancellationToken).ConfigureAwait(false);
    }

    private static HubSnapshot Offline(HubId id, HubCache cache)
    {
        if (cache.Find(id) is { } folder && HubCache.IsComplete(folder))
            return new HubSnapshot(id, Path.GetFileName(folder), folder, Directory.GetFiles(folder).Sum(HubCache.Length), 0);
        throw new HubException(HubErrorKind.Offline,
            $"Offline mode is on (HF_HUB_OFFLINE), and the cache '{cache.Root}' does not hold all of {id}. Unset HF_HUB_OFFLINE, or copy " +
            "the model into the cache.");
    }

    internal static void EnsureSpace(HubCache cache, HubOptions options, HubId id, string commit, IReadOnlyList<HubFile> files)
    {
        var needed = files.Where(f => cache.Existing(id, commit, f) is null).Sum(f =>
        {
            var part = new FileInfo(cache.Blob(id, f.Etag!) + HubCache.Incomplete);
            return Math.Max(0, (f.Size ?? 0) - (part.Exists ? part.Length : 0));
        });
        if (needed == 0) return;
        Directory.CreateDirectory(cache.Root);
        var free = options.FreeBytes(cache.Root);
        if (free >= needed + Reserve) return;
        throw new HubException(HubErrorKind.NoSpace,
            $"{id} needs {Units.Bytes(needed)} more in '{cache.Root}', and {Units.Bytes(free)} are free. Make room ('d2pruner list', " +
            "'d2pruner rm ID'), or name another place in HF_HOME.");
    }
}
