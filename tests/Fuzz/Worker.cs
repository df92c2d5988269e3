namespace D2Pruner.AI.Fuzz;

/// <summary>The child process: tries one input after the other and says in shared memory which one. It may die of any.</summary>
internal sealed class Worker(FuzzTarget target, ProgressFile progress, Findings findings, int seed)
{
    /// <summary>A thread pool's stack: that is where requests run.</summary>
    private const int StackBytes = 1536 * 1024;

    public void Run(long from, long to, DateTime until)
    {
        var thread = new Thread(() => Loop(from, to, until), StackBytes);
        thread.Start();
        thread.Join();
    }

    /// <summary>Tries one input.</summary>
    public static (bool Typed, long Allocated, Exception? Error) Try(FuzzTarget target, byte[] input)
    {
        var native = default((long Now, long Peak));
        if (target.WatchesNativeMemory)
        {
            NativeMemory.ResetPeak();
            native = NativeMemory.Read();
        }

        var before = GC.GetTotalAllocatedBytes();
        Exception? error = null;
        try
        {
            target.Run(input);
        }
        catch (Exception e)
        {
            error = e;
        }

        var allocated = GC.GetTotalAllocatedBytes() - before;
        if (target.WatchesNativeMemory) allocated = Math.Max(allocated, NativeMemory.Read().Peak - native.Now);
        return (error is null || Verdict.IsTyped(error), allocated, error);
    }

    /// <summary>Input of a number: the corpus first, then made ones.</summary>
    public static byte[] Input(FuzzTarget target, long number, int seed)
    {
        var corpus = Corpus.Of(target.Name);
        return number < corpus.Count ? corpus[(int)number] : target.Make(new Random(HashCode(seed, number)));
    }

    private void Loop(long from, long to, DateTime until)
    {
        progress.Started = 1;
        for (var i = from; i < to && DateTime.UtcNow < until; i++)
        {
            var input = Input(target, i, seed);
            progress.Current = i;
            var (typed, allocated, error) = Try(target, input);
            if (!typed)
            {
                progress.Untyped++;
                findings.Keep(target.Name, i, input, error!.ToString(), Kind(error));
            }

            if (allocated > target.AllocationLimit)
            {
                progress.LargeAllocations++;
                findings.Keep(target.Name, i, input,
                    $"It allocated {allocated} bytes; {target.AllocationLimit} are the limit. {error}", "allocation");
            }

            progress.Inputs++;
        }
    }

    // One defect is one kind, whatever numbers its message holds.
    private static string Kind(Exception error) =>
        error.GetType().Name + (error.StackTrace?.Split('\n').FirstOrDefault(l => l.Contains("D2Pruner", StringComparison.Ordinal))
            ?? error.Message);

    // Stable between processes and versions, as the framework's own is not.
    private static int HashCode(int seed, long number)
    {
        var h = (ulong)(uint)seed * 0x9E3779B97F4A7C15 ^ (ulong)number * 0xBF58476D1CE4E5B9;
        h = (h ^ h >> 30) * 0x94D049BB133111EB;
        return (int)(h ^ h >> 31);
    }
}
