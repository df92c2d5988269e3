using System.Net;
using System.Security.Cryptography;

namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Fetches one file into the cache: locked, resumed, checked, then moved into place.</summary>
internal sealed class HubDownload(HubClient client, HubCache cache, HubOptions options, TransferMeter meter)
{
    private const int BufferBytes = 1 << 17;

    /// <param name="id">The model.</param>
    /// <param name="commit">The commit, which names the snapshot.</param>
    /// <param name="source">Revision under which the server has the file.</param>
    /// <param name="file">The file, its content's name known.</param>
    /// <param name="cancellationToken">Ends it; what came stays for the next time.</param>
    /// <exception cref="HubException">It cannot be had.</exception>
    public async Task FetchAsync(HubId id, string commit, string source, HubFile file, CancellationToken cancellationToken)
    {
        var blob = cache.Blob(id, file.Etag!);
        using (await HubLock.AcquireAsync(
            cache.LockFile(id, file.Etag!), () => meter.Stage($"Waiting for another process that fetches {file.Name}"), cancellationToken)
            .ConfigureAwait(false))
        {
            // Under the lock: who removes the model holds it until the folder is gone.
            Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
            if (cache.Existing(id, commit, file) is { } there)
            {
                meter.Had(HubCache.Length(there));
            }
            else
            {
                meter.Stage($"Fetching {file.Name}");
                await FetchAsync(id, source, file, blob + HubCache.Incomplete, cancellationToken).ConfigureAwait(false);
                File.Move(blob + HubCache.Incomplete, blob, overwrite: true);
            }

            cache.Link(id, commit, file);
        }

        meter.FileDone();
    }

    private async Task FetchAsync(HubId id, string source, HubFile file, string part, CancellationToken cancellationToken)
    {
        for (var second = false; ; second = true)
        {
            using var content = new PartialContent(part, meter);
            var retry = new HubRetry(options, meter.Stage);
            long before = -1;
            await retry.RunAsync($"{id}: {file.Name}", async () =>
            {
                before = content.Length;
                await ReceiveAsync(id, source, file, content, cancellationToken).ConfigureAwait(false);
                return true;
            }, () => content.Length > before, cancellationToken).ConfigureAwait(false);
            var actual = content.Finish();
            var wrong = file.Size is { } size && content.Length != size ? $"{content.Length:N0} bytes; expected {size:N0}"
                : file.Sha256 is { } sha && actual != sha ? $"a content with SHA-256 {actual}; expected {sha}"
                : null;
            if (wrong is null) return;
            content.Restart();
            if (second)
            {
                throw new HubException(HubErrorKind.Damaged,
                    $"{id}: {file.Name} arrived twice with {wrong}. It was not kept. A proxy may change downloads, or the repository is " +
                    "being updated; try again later.");
            }

            meter.Stage($"{file.Name} arrived damaged; fetching it again");
        }
    }

    private async Task ReceiveAsync(HubId id, string source, HubFile file, PartialContent content, CancellationToken cancellationToken)
    {
        if (file.Size is { } size && content.Length >= size)
        {
            if (content.Length == size) return;
            content.Restart();
        }

        using var response = await client.GetAsync(id, source, file, content.Length, cancellationToken).ConfigureAwait(false);
        var from = response.Content.Headers.ContentRange?.From;
        // A server without ranges sends everything; one that lost the file's tail refuses the range.
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            content.Restart();
            throw new HubRetryException("the server refuses to go on where the last transfer ended", false, TimeSpan.Zero);
        }

        if (content.Length > 0 && (response.StatusCode != HttpStatusCode.PartialContent || from != content.Length)) content.Restart();
        var announced = content.Length + response.Content.Headers.ContentLength;
        using var idle = new IdleGuard(options.IdleTimeout, cancellationToken);
        var stream = await idle.RunAsync(t => response.Content.ReadAsStreamAsync(t)).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var buffer = new byte[BufferBytes];
            while (true)
            {
                int read;
                try
                {
                    read = await idle.RunAsync(t => stream.ReadAsync(buffer, t).AsTask()).ConfigureAwait(false);
                }
                catch (IOException e)
                {
                    // Only the network's faults may pass; the disk's are the caller's.
                    throw new HubRetryException($"the connection broke off ({e.Message})", false, null);
                }

                if (read == 0) break;
                content.Append(buffer.AsSpan(0, read));
                if (content.Length > (file.Size ?? announced ?? long.MaxValue)) break;
            }
        }

        if ((file.Size ?? announced) is { } expected && content.Length < expected)
            throw new HubRetryException($"the connection broke off after {content.Length:N0} of {expected:N0} bytes", false, null);
    }

    /// <summary>The part of a file that is there, and its hash so far.</summary>
    private sealed class PartialContent : IDisposable
    {
        private readonly FileStream _stream;
        private readonly TransferMeter _meter;
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public PartialContent(string path, TransferMeter meter)
        {
            _meter = meter;
            RegularFile.Check(path);
            _stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, BufferBytes);
            var buffer = new byte[1 << 20];
            for (int read; (read = _stream.Read(buffer)) > 0;) _hash.AppendData(buffer, 0, read);
            Length = _stream.Length;
            meter.Had(Length);
        }

        public long Length { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            _stream.Write(bytes);
            _hash.AppendData(bytes);
            Length += bytes.Length;
            _meter.Add(bytes.Length);
        }

        public void Restart()
        {
            _meter.Had(-Length);
            _stream.SetLength(0);
            _stream.Position = 0;
            _hash.GetHashAndReset();
            Length = 0;
        }

        public string Finish()
        {
            _stream.Flush(flushToDisk: true);
            return Convert.ToHexStringLower(_hash.GetCurrentHash());
        }

        public void Dispose()
        {
            _stream.Dispose();
            _hash.Dispose();
        }
    }
}
