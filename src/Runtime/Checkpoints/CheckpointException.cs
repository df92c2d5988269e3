namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>A model folder cannot be loaded; the message lists everything that is wrong with it.</summary>
public sealed class CheckpointException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="problems">Everything that is wrong.</param>
    /// <param name="inner">The cause, if another exception.</param>
    public CheckpointException(string folder, IReadOnlyList<string> problems, Exception? inner = null)
        : base($"The model folder '{folder}' cannot be loaded:{Environment.NewLine}"
            + string.Join(Environment.NewLine, Shorten(problems).Select(p => "  - " + p)), inner)
    {
        Folder = folder;
        Problems = problems;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Everything that is wrong.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Unavailable;

    private static IEnumerable<string> Shorten(IReadOnlyList<string> problems) =>
        problems.Count <= 60 ? problems : problems.Take(60).Append($"... and {problems.Count - 60} more");
}
