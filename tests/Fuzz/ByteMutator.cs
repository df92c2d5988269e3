using System.Buffers.Binary;

namespace D2Pruner.AI.Fuzz;

/// <summary>Damages bytes: flips, extremes, cuts, doubled and swapped stretches.</summary>
internal static class ByteMutator
{
    private static readonly byte[] Extremes = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

    public static byte[] Mutate(Random random, byte[] input)
    {
        var bytes = (byte[])input.Clone();
        for (var n = 1 + random.Next(6); n > 0; n--)
        {
            if (bytes.Length == 0) return bytes;
            // Most formats decide in their first bytes.
            var at = random.Next(2) == 0 ? random.Next(Math.Min(bytes.Length, 64)) : random.Next(bytes.Length);
            switch (random.Next(9))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = Extremes[random.Next(Extremes.Length)];
                    break;
                case 2:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 3:
                    bytes = bytes[..at];
                    break;
                case 4 when bytes.Length - at >= 4:
                    BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), Number(random));
                    break;
                case 5 when bytes.Length - at >= 4:
                    BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(at), Number(random));
                    break;
                case 6:
                    var length = random.Next(Math.Min(64, bytes.Length - at) + 1);
                    bytes = [.. bytes[..(at + length)], .. bytes[at..]];
                    break;
                case 7:
                    var gone = random.Next(Math.Min(64, bytes.Length - at) + 1);
                    bytes = [.. bytes[..at], .. bytes[(at + gone)..]];
                    break;
                default:
                    var more = new byte[random.Next(64)];
                    random.NextBytes(more);
                    bytes = [.. bytes, .. more];
                    break;
            }
        }

        return bytes;
    }

    private static int Number(Random random) => random.Next(7) switch
    {
        0 => 0,
        1 => 1,
        2 => -1,
        3 => int.MaxValue,
        4 => int.MinValue,
        5 => 1 << random.Next(31),
        _ => random.Next(),
    };
}
