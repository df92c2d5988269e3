using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Safetensors files: headers of every kind before a few hundred bytes, and all of their tensors read.</summary>
internal sealed class SafetensorsTarget : FileTarget
{
    private static readonly string[] Types = ["F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "f32", "", "I8"];
    private static readonly string[] Names = ["a", "b.weight", "__metadata__", "", "K2.grid", "a"];

    public override string Name => "safetensors";

    public override long AllocationLimit => 16L << 20;

    public override byte[] Make(Random random)
    {
        var data = random.Next(600);
        var header = Header(random, data);
        var bytes = Encoding.UTF8.GetBytes(header);
        var length = random.Next(12) == 0 ? random.NextInt64() >> random.Next(64) : bytes.Length;
        var file = new byte[8 + bytes.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(file, length);
        bytes.CopyTo(file, 8);
        return random.Next(6) == 0 ? ByteMutator.Mutate(random, file) : file;
    }

    public override void Run(byte[] input)
    {
        using var file = SafetensorsFile.Open(Write("a.safetensors", input));
        foreach (var name in file.Names)
        {
            var entry = file.Find(name)!;
            if (entry.Bytes > input.Length)
                throw new FuzzFailure($"The tensor '{name}' has {entry.Bytes} bytes of a file of {input.Length}.");
            using var tensor = file.Read(name);
            if (tensor.numel() > 0) tensor.flatten()[0].Dispose();
        }
    }

    private static string Header(Random random, int data)
    {
        if (random.Next(15) == 0) return Values.Json(random);
        var at = 0;
        var text = new StringBuilder("{");
        for (var n = random.Next(4); n > 0; n--)
        {
            if (text.Length > 1) text.Append(',');
            var count = random.Next(1 + Math.Max(0, data - at) / 8);
            var shape = random.Next(8) switch { 0 => "[]", 1 => $"[0,{Values.Number(random)},5]",
                2 => $"[{Values.Number(random)},{Values.Number(random)}]", 3 => Values.Json(random, 1), _ => $"[{count},2]" };
            var (from, to) = random.Next(8) == 0 ? (Values.Number(random), Values.Number(random)) : (Text(at), Text(at + count * 8));
            text.Append(CultureInfo.InvariantCulture, $"{Values.Quoted(random.Next(6) == 0 ? Values.Text(random) : Names[random.Next(Names.Length)] + n)}:{{\"dtype\":{(random.Next(3) == 0 ? Values.Quoted(Types[random.Next(Types.Length)]) : "\"F32\"")},\"shape\":{shape},\"data_offsets\":[{from},{to}]}}");
            at += count * 8;
        }

        if (random.Next(4) == 0)
            text.Append(text.Length > 1 ? "," : "").Append("\"__metadata__\":")
                .Append(random.Next(2) == 0 ? "{\"a\":\"b\"}" : Values.Json(random, 2));
        return text.Append('}').Append(' ', random.Next(9)).ToString();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
