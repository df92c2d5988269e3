using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Kinds of pieces; the values are the file's.</summary>
internal enum PieceKind
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>A SentencePiece tokenizer.model as it is written (sentencepiece_model.proto).</summary>
internal sealed class SentencePieceModel
{
    /// <summary>Pieces by id.</summary>
    public List<(string Text, float Score, PieceKind Kind)> Pieces { get; } = [];

    /// <summary>Kind of model: 1 unigram (the format's default), 2 BPE, 3 word, 4 character.</summary>
    public int Algorithm { get; private set; } = 1;

    /// <summary>Whether spaces stand at the end of pieces.</summary>
    public bool WhitespaceAsSuffix { get; private set; }

    /// <summary>Name of the normalisation.</summary>
    public string Normalization { get; private set; } = "";

    /// <summary>Whether the normalisation has a table of replacements.</summary>
    public bool HasCharacterMap { get; private set; }

    /// <summary>A space is put before every text.</summary>
    public bool AddDummyPrefix { get; private set; } = true;

    /// <summary>Spaces at both ends are removed and runs of spaces become one.</summary>
    public bool RemoveExtraWhitespaces { get; private set; } = true;

    /// <summary>Spaces are written ▁.</summary>
    public bool EscapeWhitespaces { get; private set; } = true;

    /// <summary>Parses a file's content.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public static SentencePieceModel Parse(ReadOnlySpan<byte> file)
    {
        var model = new SentencePieceModel();
        var reader = new ProtobufReader(file);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 1:
                    model.Pieces.Add(Piece(reader.Bytes));
                    break;
                case 2:
                    model.ReadTrainer(reader.Bytes);
                    break;
                case 3:
                    model.ReadNormalizer(reader.Bytes);
                    break;
            }
        }

        return model;
    }

    private static (string, float, PieceKind) Piece(ReadOnlySpan<byte> message)
    {
        var (text, score, kind) = ("", 0f, PieceKind.Normal);
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 1:
                    text = Encoding.UTF8.GetString(reader.Bytes);
                    break;
                case 2:
                    score = reader.Float;
                    break;
                case 3:
                    kind = (PieceKind)reader.Number;
                    break;
            }
        }

        return Enum.IsDefined(kind) ? (text, score, kind)
            : throw new FormatException($"the piece '{text}' is of the unknown kind {(int)kind}");
    }

    private void ReadTrainer(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            if (reader.Field == 3) Algorithm = (int)reader.Number;
            else if (reader.Field == 24) WhitespaceAsSuffix = reader.Number != 0;
        }
    }

    private void ReadNormalizer(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 1:
                    Normalization = Encoding.UTF8.GetString(reader.Bytes);
                    break;
                case 2:
                    HasCharacterMap = reader.Bytes.Length > 0;
                    break;
                case 3:
                    AddDummyPrefix = reader.Number != 0;
                    break;
                case 4:
                    RemoveExtraWhitespaces = reader.Number != 0;
                    break;
                case 5:
                    EscapeWhitespaces = reader.Number != 0;
                    break;
            }
        }
    }
}
