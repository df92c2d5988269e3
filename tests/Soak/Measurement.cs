using System.Globalization;
using TorchSharp;

namespace D2Pruner.AI.Soak;

/// <summary>What the process holds while no request runs.</summary>
/// <param name="Minutes">Since the start.</param>
/// <param name="Requests">Requests ended so far, well or not.</param>
/// <param name="ResidentBytes">Resident memory.</param>
/// <param name="ManagedBytes">Managed heap after a collection.</param>
/// <param name="Tensors">Tensors alive.</param>
/// <param name="Handles">Open files and sockets.</param>
/// <param name="Threads">Threads.</param>
/// <param name="SameAnswers">Whether every reference question was answered as at the start.</param>
internal sealed record Measurement(
    double Minutes, long Requests, long ResidentBytes, long ManagedBytes, long Tensors, int Handles, int Threads, bool SameAnswers)
{
    public const string Header = "minute  requests  resident_mb  managed_mb  tensors  handles  threads  same_answers";

    public static Measurement Take(double minutes, long requests, bool sameAnswers)
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using var process = System.Diagnostics.Process.GetCurrentProcess();
        // The process' own count of handles is not kept on Linux.
        var handles = Directory.Exists("/proc/self/fd") ? Directory.GetFileSystemEntries("/proc/self/fd").Length : process.HandleCount;
        return new Measurement(minutes, requests, process.WorkingSet64, GC.GetTotalMemory(forceFullCollection: true),
            torch.Tensor.TotalCount, handles, process.Threads.Count, sameAnswers);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Minutes,6:0.0}  {Requests,8}  {ResidentBytes / 1048576.0,11:0.0}  {ManagedBytes / 1048576.0,10:0.0}  {Tensors,7}  " +
        $"{Handles,7}  {Threads,7}  {(SameAnswers ? 1 : 0),12}");
}
