using System.Security.Cryptography;
using System.Text;

namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>
/// The layout of the Hub's cache, shared with its Python client: <c>models--owner--name/blobs/ETAG</c> holds contents,
/// <c>snapshots/COMMIT/FILE</c> links to them, <c>refs/REVISION</c> holds a commit,
/// <c>.locks/models--owner--name/ETAG.lock</c> is locked while a content is written.
/// </summary>
internal sealed class HubCache(string root)
{
    /// <summary>What a content's name ends with while not all of it is there.</summary>
    public const string Incomplete = ".incomplete";

    private const long LongestReference = 4096;

    public string Root { get; } = Path.GetFullPath(root);

    public string Repository(HubId id) => Path.Combine(Root, $"{(id.IsDataSet ? "datasets" : "models")}--{id.Owner}--{id.Name}");

    public string Blob(HubId id, string etag) => Path.Combine(Repository(id), "blobs", etag);

    public string Snapshot(HubId id, string commit) => Path.Combine(Repository(id), "snapshots", commit);

    public string LockFile(HubId id, string etag) => Path.Combine(Root, ".locks", Path.GetFileName(Repository(id)), etag + ".lock");

    /// <summary>The folder of a revision, complete or not; null where there is none.</summary>
    public string? Find(HubId id)
    {
        if (Commit(id, id.Revision) is { } commit && HasConfig(Snapshot(id, commit))) return Snapshot(id, commit);
        if (HasConfig(Snapshot(id, id.Revision)) && !id.Revision.Contains('/', StringComparison.Ordinal)) return Snapshot(id, id.Revision);
        var snapshots = Path.Combine(Repository(id), "snapshots");
        // Without a reference the newest snapshot stands for the default branch.
        return id.Revision == HubId.DefaultRevision && Directory.Exists(snapshots)
            ? Directory.GetDirectories(snapshots).Where(HasConfig).MaxBy(Directory.GetLastWriteTimeUtc)
            : null;
    }

    /// <summary>The commit that a reference names, or null.</summary>
    public string? Commit(HubId id, string reference)
    {
        var file = Path.Combine([Repository(id), "refs", .. reference.Split('/')]);
        return File.Exists(file) ? ReadReference(file) : null;
    }

    public void SetReference(HubId id, string commit)
    {
        var file = Path.Combine([Repository(id), "refs", .. id.Revision.Split('/')]);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        AtomicFile.Write(file, commit);
    }

    /// <summary>The content of a file, if it is all there: the blob, or the snapshot's own file where links cannot be made.</summary>
    public string? Existing(HubId id, string commit, HubFile file)
    {
        foreach (var path in new[] { Blob(id, file.Etag!), Path.Combine(Snapshot(id, commit), file.Name) })
        {
            if (Exists(path) && (file.Size is null || Length(path) == file.Size)) return path;
        }

        return null;
    }

    /// <summary>Lets a snapshot name a content. Where the system allows no links (Windows without developer mode) the content moves
    /// there, as the Python client does.</summary>
    public void Link(HubId id, string commit, HubFile file)
    {
        var blob = Blob(id, file.Etag!);
        var link = Path.Combine(Snapshot(id, commit), file.Name);
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        var relative = Path.Combine([.. Enumerable.Repeat("..", 2 + file.Name.Count(c => c == '/')), "blobs", file.Etag!]);
        var there = new FileInfo(link);
        // A plain file counts where all of it is there: half a copy gives way to the content.
        if (there.Exists && (there.LinkTarget is { } target ? target == relative : file.Size is null || there.Length == file.Size)) return;
        if (!File.Exists(blob)) return;
        File.Delete(link);
        try
        {
            File.CreateSymbolicLink(link, relative);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !File.Exists(link))
        {
            File.Move(blob, link);
        }
    }

    /// <summary>Notes, where the Python client does, that a revision has no such file.</summary>
    public void NoteAbsent(HubId id, string commit, string name)
    {
        var file = Absent(id, commit, name);
        if (File.Exists(file)) return;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        AtomicFile.Write(file, "");
    }

    /// <summary>Whether a snapshot says how images are prepared, or its revision is known to say nothing of it.</summary>
    public bool HasImageSettings(HubId id, string folder) =>
        CheckpointFolder.Open(folder).PreprocessorConfig.EnumerateObject().Any()
        || HubFileSelection.ImageSettings.All(
            n => Exists(Path.Combine(folder, n)) || File.Exists(Absent(id, Path.GetFileName(folder), n)));

    /// <summary>Every snapshot.</summary>
    public IReadOnlyList<CachedModel> List()
    {
        if (!Directory.Exists(Root)) return [];
        var models = new List<CachedModel>();
        foreach (var repository in Directory.GetDirectories(Root, "models--*--*").Order(StringComparer.Ordinal))
        {
            var parts = Path.GetFileName(repository)["models--".Length..].Split("--");
            if (!HubId.TryParse($"{parts[0]}/{string.Join("--", parts[1..])}", out var id)
                || !Directory.Exists(Path.Combine(repository, "snapshots"))) continue;
            var references = References(repository);
            foreach (var snapshot in Directory.GetDirectories(Path.Combine(repository, "snapshots")).Order(StringComparer.Ordinal))
            {
                var commit = Path.GetFileName(snapshot);
                string[] files = Directory.GetFiles(snapshot);
                var used = files.Select(LastUsed).DefaultIfEmpty(Directory.GetLastWriteTimeUtc(snapshot)).Max();
                string[] names = [.. references.Where(r => r.Commit == commit).Select(r => r.Name)];
                models.Add(new CachedModel(id.Repository, commit, names, snapshot, files.Sum(Length), IsComplete(snapshot), used));
            }
        }

        return models;
    }

    /// <summary>Removes a revision, or the whole model, with the contents that nothing else names. Lock files stay.</summary>
    /// <returns>Bytes freed; null where there was nothing to remove.</returns>
    /// <exception cref="HubException">A pull of the model is running.</exception>
    public long? Remove(HubId id, bool everything)
    {
        var repository = Repository(id);
        if (!Directory.Exists(repository)) return null;
        var commit = Commit(id, id.Revision) ?? id.Revision;
        if (!everything && (commit.Contains('/', StringComparison.Ordinal) || !Directory.Exists(Snapshot(id, commit)))) return null;
        var blobs = Path.Combine(repository, "blobs");
        string[] contents = Directory.Exists(blobs) ? Directory.GetFiles(blobs) : [];
        var locks = Lock(id, contents);
        try
        {
            var before = Occupied(repository);
            if (!everything)
            {
                Directory.Delete(Snapshot(id, commit), recursive: true);
                foreach (var (_, file, _) in References(repository).Where(r => r.Commit == commit)) File.Delete(file);
                if (Directory.GetDirectories(Path.Combine(repository, "snapshots")) is { Length: > 0 } rest)
                {
                    // The Hub's Python tools link into sub-folders, too.
                    var used = rest.SelectMany(s => Directory.GetFiles(s, "*", SearchOption.AllDirectories))
                        .Select(f => Path.GetFileName(new FileInfo(f).LinkTarget ?? "")).ToHashSet(StringComparer.Ordinal);
                    // Of contents whose locks are held: what a pull has begun since may not be linked yet.
                    foreach (var content in contents.Where(c => !used.Contains(Path.GetFileName(c)))) File.Delete(content);
                    return before - Occupied(repository);
                }
            }

            Directory.Delete(repository, recursive: true);
            return before;
        }
        finally
        {
            foreach (var held in locks) held.Dispose();
        }
    }

    /// <summary>Whether config.json, a tokenizer and every weight file are there.</summary>
    public static bool IsComplete(string folder)
    {
        try
        {
            return CheckpointFolder.Open(folder).WeightFiles().All(Exists)
                && HubFileSelection.Tokenizer(n => Exists(Path.Combine(folder, n))) is not null;
        }
        catch (CheckpointException)
        {
            return false;
        }
    }

    /// <summary>Compares a content with the hash that is its name.</summary>
    public static VerifiedFile Verify(string path, Action<long>? progress, CancellationToken cancellationToken)
    {
        var name = Path.GetFileName(path);
        var info = new FileInfo(path);
        var etag = info.LinkTarget is { } target ? Path.GetFileName(target) : "";
        if (!Exists(path)) return new VerifiedFile(name, 0, "its content is missing", true);
        var length = Length(path);
        using var hash = etag.Length == 64 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : etag.Length == 40
            ? GitHash(length) : null;
        if (hash is null || !etag.All(char.IsAsciiHexDigit)) return new VerifiedFile(name, length, Damage(path), false);
        try
        {
            using var stream = RegularFile.OpenStream(path);
            var buffer = new byte[1 << 20];
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, read);
                progress?.Invoke(read);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new VerifiedFile(name, length, $"its content cannot be read: {e.Message}", true);
        }

        var actual = Convert.ToHexStringLower(hash.GetHashAndReset());
        return new VerifiedFile(name, length, actual == etag.ToLowerInvariant() ? null
            : $"its content has the hash {actual}; expected {etag}", true);
    }

    /// <summary>An etag that can be a file name, or null.</summary>
    public static string? SafeEtag(string? etag)
    {
        if (etag is null) return null;
        if (etag.StartsWith("W/", StringComparison.Ordinal)) etag = etag[2..];
        etag = etag.Trim('"');
        return HubId.IsName(etag) ? etag : null;
    }

    /// <summary>Length of a file behind links.</summary>
    public static long Length(string path)
    {
        var info = new FileInfo(path);
        return info.LinkTarget is null ? info.Length : info.ResolveLinkTarget(true) is FileInfo { Exists: true } target ? target.Length : 0;
    }

    // Every lock that a pull of the repository can hold. None is waited for: two that wait for each other's would wait for ever.
    private List<IDisposable> Lock(HubId id, string[] contents)
    {
        var folder = Path.GetDirectoryName(LockFile(id, "any"))!;
        Directory.CreateDirectory(folder);
        var files = contents.Select(c => LockFile(id, Etag(Path.GetFileName(c))))
            .Concat(Directory.GetFiles(folder, "*.lock")).Distinct(StringComparer.Ordinal);
        var locks = new List<IDisposable>();
        try
        {
            foreach (var file in files)
            {
                locks.Add(FileLock.TryTake(file) ?? throw new HubException(HubErrorKind.Busy,
                    $"{id.Repository} is being fetched, and nothing of it was removed. Wait until the pull has ended, or stop it."));
            }

            return locks;
        }
        catch
        {
            foreach (var held in locks) held.Dispose();
            throw;
        }
    }

    // Of a file in blobs, whole or not.
    private static string Etag(string name) =>
        name.EndsWith(Incomplete, StringComparison.Ordinal) ? name[..^Incomplete.Length] : name;

    // Where no hash is known, a weight file's header still tells whether all of the file is there.
    private static string? Damage(string path)
    {
        if (!path.EndsWith(".safetensors", StringComparison.Ordinal)) return null;
        try
        {
            SafetensorsFile.Open(path).Dispose();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private string Absent(HubId id, string commit, string name) => Path.Combine(Repository(id), ".no_exist", commit, name);

    private static DateTime LastUsed(string path)
    {
        var info = new FileInfo(path).ResolveLinkTarget(true) ?? new FileInfo(path);
        return info.LastAccessTimeUtc > info.LastWriteTimeUtc ? info.LastAccessTimeUtc : info.LastWriteTimeUtc;
    }

    // File.Exists is true for a link that leads nowhere.
    private static bool Exists(string path) => new FileInfo(path) is { Exists: true } info
        && (info.LinkTarget is null || info.ResolveLinkTarget(true) is { Exists: true });

    private static bool HasConfig(string snapshot) => Exists(Path.Combine(snapshot, "config.json"));

    // What lies in the repository itself; links count nothing.
    private static long Occupied(string repository) =>
        new DirectoryInfo(repository).EnumerateFiles("*", SearchOption.AllDirectories).Where(f => f.LinkTarget is null).Sum(f => f.Length);

    private static List<(string Name, string File, string Commit)> References(string repository)
    {
        var refs = Path.Combine(repository, "refs");
        return Directory.Exists(refs)
            ? [.. Directory.GetFiles(refs, "*", SearchOption.AllDirectories)
                .Select(f => (Path.GetRelativePath(refs, f).Replace('\\', '/'), f, ReadReference(f) ?? ""))]
            : [];
    }

    // The name of a commit is short; what is none, or cannot be read, names nothing.
    private static string? ReadReference(string file)
    {
        try
        {
            return RegularFile.ReadAllText(file, LongestReference).Trim() is var commit && HubId.IsName(commit) ? commit : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            return null;
        }
    }

    private static IncrementalHash GitHash(long length)
    {
#pragma warning disable CA5350 // git names contents by SHA-1; nothing here relies on it against an attacker
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {length}\0"));
        return hash;
    }
}
