namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>The columns that the published Parquet files have between them; those a data set lacks are null.</summary>
public sealed record Row
{
    public string? id { get; set; }

    public long? index { get; set; }

    public string? question_id { get; set; }

    public string? image_id { get; set; }

    public string? imageId { get; set; }

    public string? question { get; set; }

    public string? hint { get; set; }

    public string? answer { get; set; }

    public int? answer_index { get; set; }

    public string? category { get; set; }

    public string? l2_category { get; set; }

    public List<string>? answers { get; set; }

    public List<string>? choices { get; set; }

    public List<string>? options { get; set; }

    public List<string>? ocr_tokens { get; set; }

    public List<string>? expressions { get; set; }

    public List<double>? bbox { get; set; }

    public ImageColumn? image { get; set; }
}

/// <summary>RefCOCO's rows: the answers are a list there.</summary>
public sealed record ObjectRow
{
    public string? question_id { get; set; }

    public List<string>? answer { get; set; }

    public List<double>? bbox { get; set; }

    public ImageColumn? image { get; set; }
}

/// <summary>MMBench's rows.</summary>
public sealed record ChoiceRow
{
    public long? index { get; set; }

    public string? question { get; set; }

    public string? hint { get; set; }

    public string? A { get; set; }

    public string? B { get; set; }

    public string? C { get; set; }

    public string? D { get; set; }

    public string? answer { get; set; }

    public ImageColumn? image { get; set; }
}

/// <summary>Hugging Face's image column.</summary>
public sealed record ImageColumn
{
    public byte[]? bytes { get; set; }

    public string? path { get; set; }
}
