using System.Text;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Data URIs of both encodings within a limit of bytes.</summary>
internal sealed class DataUriTarget : FuzzTarget
{
    private const int MaxBytes = 300;
    private static readonly string[] Headers =
        ["data:image/png;base64,", "data:,", "data:image/png,", "data:;BASE64,", "data:image/png;charset=x;base64,", "data:",
            "data:image/png;base64", "data:text/plain;base64;x,"];
    private readonly DenyAllImageResolver _resolver = new(MaxBytes);

    public override string Name => "data_uris";

    public override long AllocationLimit => 1L << 20;

    public override byte[] Make(Random random)
    {
        var text = new StringBuilder(Headers[random.Next(Headers.Length)]);
        var bytes = new byte[random.Next(5) == 0 ? random.Next(MaxBytes - 4, MaxBytes + 5) : random.Next(2 * MaxBytes)];
        random.NextBytes(bytes);
        switch (random.Next(5))
        {
            case 0:
                foreach (var b in bytes) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"%{b:X2}");
                break;
            case 1:
                foreach (var b in bytes) text.Append((char)(b % 95 + 32));
                break;
            case 2:
                text.Append(Convert.ToBase64String(bytes).Replace("=", "%3D", StringComparison.Ordinal)
                    .Replace("/", "%2F", StringComparison.Ordinal));
                break;
            default:
                text.Append(Convert.ToBase64String(bytes));
                break;
        }

        var uri = Encoding.UTF8.GetBytes(text.ToString());
        return random.Next(3) == 0 ? ByteMutator.Mutate(random, uri) : uri;
    }

    public override void Run(byte[] input)
    {
        if (!Uri.TryCreate(Encoding.UTF8.GetString(input), UriKind.RelativeOrAbsolute, out var uri)) return;
        var bytes = _resolver.ResolveAsync(uri, CancellationToken.None).GetAwaiter().GetResult();
        if (bytes.Length > MaxBytes) throw new FuzzFailure($"{bytes.Length} bytes came through; {MaxBytes} are allowed.");
    }
}
