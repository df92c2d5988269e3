namespace D2Pruner.AI.Evaluation.Data;

/// <summary>One question of a data set.</summary>
public sealed record EvaluationSample
{
    /// <summary>Unique within the data set; results are kept under it.</summary>
    public required string Id { get; init; }

    /// <summary>What figures are grouped by: a data set's name, or a kind of question.</summary>
    public required string Task { get; init; }

    /// <summary>Names the image; samples that share it share the tower's work, and intervals are drawn over
    /// images. Null without an image.</summary>
    public string? ImageKey { get; init; }

    /// <summary>Reads the encoded image; null without one.</summary>
    public Func<byte[]>? ReadImage { get; init; }

    /// <summary>The text of the user's turn, behind the image.</summary>
    public required string Prompt { get; init; }

    /// <summary>What stands before the image in the user's turn, as some harnesses write it.</summary>
    internal string BeforeImage { get; init; } = "";

    /// <summary>The question alone, as the data set has it.</summary>
    public string Question { get; init; } = "";

    /// <summary>Accepted answers (VQA: one of each person; multiple choice: the letter; captions: the references).</summary>
    public IReadOnlyList<string> Answers { get; init; } = [];

    /// <summary>Texts of the options A, B, C...; empty where there are none. An empty text is no option.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Sub-set (POPE's three, MME's fourteen, MMBench's abilities); empty where there is none.</summary>
    public string Category { get; init; } = "";

    /// <summary>Second-level sub-set; empty where there is none.</summary>
    public string Category2 { get; init; } = "";

    /// <summary>The true box in pixels of the image: left, top, right, bottom; null where none is asked for.</summary>
    public IReadOnlyList<double>? Box { get; init; }

    /// <summary>Width of the image in pixels, where boxes need it.</summary>
    public int Width { get; init; }

    /// <summary>Height of the image in pixels, where boxes need it.</summary>
    public int Height { get; init; }

    /// <summary>Most tokens of an answer.</summary>
    public int MaxNewTokens { get; init; } = 32;

    /// <summary>Tokens that an answer has at least: before them nothing can end it.</summary>
    internal int MinNewTokens { get; init; }

    /// <summary>Asked as its family's published figures were taken, where that is not how the model is served (LLaVA-1.5).</summary>
    internal bool AsPublished { get; init; }
}
