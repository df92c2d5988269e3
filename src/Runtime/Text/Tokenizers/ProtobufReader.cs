using System.Buffers.Binary;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Walks the fields of a protobuf message.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>Number of the field just read.</summary>
    public int Field { get; private set; }

    /// <summary>Value of a varint field.</summary>
    public ulong Number { get; private set; }

    /// <summary>Value of a field of four bytes.</summary>
    public float Float { get; private set; }

    /// <summary>Value of a field with a length: a string, bytes or a message.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Reads the next field.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="FormatException">The message is damaged.</exception>
    public bool Read()
    {
        if (_rest.IsEmpty) return false;
        var tag = Varint();
        Field = (int)(tag >> 3);
        Number = 0;
        Float = 0;
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Number = Varint();
                return true;
            case 1:
                Take(8);
                return true;
            case 2:
                var length = Varint();
                Bytes = Take(length > int.MaxValue ? int.MaxValue : (int)length);
                return true;
            case 5:
                Float = BinaryPrimitives.ReadSingleLittleEndian(Take(4));
                return true;
            default:
                throw new FormatException($"it is not a protobuf message: wire type {tag & 7}");
        }
    }

    private ulong Varint()
    {
        var value = 0UL;
        for (var i = 0; i < 10; i++)
        {
            if (i >= _rest.Length) break;
            value |= (ulong)(_rest[i] & 127) << (7 * i);
            if (_rest[i] >= 128) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }

        throw new FormatException("it ends in the middle of a number");
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length) throw new FormatException($"a field wants {length} bytes, {_rest.Length} are left");
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
