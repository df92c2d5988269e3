using System.Diagnostics;
using System.Text;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Benchmarks;

/// <summary>Load: bytes over the time until every weight of a file, mapped or copied, has been read once, beside a
/// plain sequential read of the file.</summary>
internal sealed class LoadBenchmark(Figures figures)
{
    private const int Tensors = 16;
    private const long Columns = 8192;
    private const long RowsEach = 4096;

    public void Run()
    {
        var path = Path.Combine(Path.GetTempPath(), $"d2pruner-load-{Environment.ProcessId}.safetensors");
        try
        {
            var bytes = Write(path);
            figures.Say($"load: a file of {bytes / 1e9:0.0} GB");
            var (load, copy, read) = (new List<double>(), new List<double>(), new List<double>());
            Sequential(path); // both then find the file in the page cache
            for (var i = 0; i < 3; i++)
            {
                read.Add(bytes / Seconds(() => Sequential(path)) / 1e9);
                load.Add(bytes / Seconds(() => Load(path, mapped: true)) / 1e9);
                copy.Add(bytes / Seconds(() => Load(path, mapped: false)) / 1e9);
            }

            figures.Add("load_gb_per_s", load);
            figures.Add("load_copied_gb_per_s", copy);
            figures.Add("read_gb_per_s", read);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static long Write(string path)
    {
        var header = new StringBuilder("{");
        var size = RowsEach * Columns * 2;
        for (var i = 0; i < Tensors; i++)
            header.Append(i > 0 ? "," : "")
                .Append($"\"t{i}\":{{\"dtype\":\"BF16\",\"shape\":[{RowsEach},{Columns}],\"data_offsets\":[{i * size},{(i + 1) * size}]}}");
        header.Append('}');
        while (header.Length % 8 != 0) header.Append(' ');
        using var file = File.Create(path);
        file.Write(BitConverter.GetBytes((long)header.Length));
        file.Write(Encoding.ASCII.GetBytes(header.ToString()));
        var block = new byte[1 << 22];
        new Random(3).NextBytes(block);
        for (long left = Tensors * size; left > 0; left -= block.Length) file.Write(block, 0, (int)Math.Min(left, block.Length));
        return file.Length;
    }

    private static void Sequential(string path)
    {
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var buffer = new byte[1 << 20];
        for (long at = 0; ;)
        {
            var n = RandomAccess.Read(file, buffer, at);
            if (n == 0) return;
            at += n;
        }
    }

    private static void Load(string path, bool mapped)
    {
        using var file = SafetensorsFile.Open(path, mapped);
        foreach (var name in file.Names)
        {
            using var tensor = file.Read(name);
            Bandwidth.Read(tensor);
        }
    }

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
