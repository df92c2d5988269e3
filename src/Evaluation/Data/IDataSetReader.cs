namespace D2Pruner.AI.Evaluation.Data;

/// <summary>Reads one benchmark from its published files.</summary>
internal interface IDataSetReader
{
    /// <summary>Name on the command line.</summary>
    string Name { get; }

    /// <summary>Where <c>evaluate fetch</c> gets it: a data-set repository of the Hub; null where it is published elsewhere only.</summary>
    string? Repository { get; }

    /// <summary>Whether a file of that repository is wanted for a part.</summary>
    bool Wants(string file, string split) => file.EndsWith(".parquet", StringComparison.Ordinal)
        && FileParts(split).All(p => file.Contains(p, StringComparison.OrdinalIgnoreCase));

    /// <summary>What a wanted file's path holds.</summary>
    IEnumerable<string> FileParts(string split);

    /// <summary>Reads it.</summary>
    /// <param name="path">A file or folder in one of the published layouts.</param>
    /// <param name="request">Part, size and wording.</param>
    /// <exception cref="FileNotFoundException">The layout's files, or images that rows name, are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    EvaluationData Read(string path, DataRequest request);
}
