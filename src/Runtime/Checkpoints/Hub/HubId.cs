namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>A model on the Hub: <c>owner/name</c>, or <c>owner/name@revision</c>.</summary>
/// <param name="Owner">Whose it is.</param>
/// <param name="Name">Its name.</param>
/// <param name="Revision">Branch, tag or commit.</param>
public readonly record struct HubId(string Owner, string Name, string Revision)
{
    /// <summary>The revision when none is named.</summary>
    public const string DefaultRevision = "main";

    /// <summary>Whether it is a data set: those have addresses and cache folders of their own.</summary>
    public bool IsDataSet { get; init; }

    /// <summary><c>owner/name</c>.</summary>
    public string Repository => $"{Owner}/{Name}";

    /// <summary>Reads an id.</summary>
    /// <param name="text">The text.</param>
    /// <param name="id">The id.</param>
    /// <returns>Whether the text has the form of one.</returns>
    public static bool TryParse(string? text, out HubId id)
    {
        id = default;
        if (string.IsNullOrEmpty(text)) return false;
        var at = text.IndexOf('@', StringComparison.Ordinal);
        var (repository, revision) = at < 0 ? (text, DefaultRevision) : (text[..at], text[(at + 1)..]);
        if (repository.Split('/') is not [var owner, var name] || !IsName(owner) || !IsName(name)) return false;
        // A revision may have parts, as refs/pr/1 has.
        if (!revision.Split('/').All(IsName)) return false;
        id = new HubId(owner, name, revision);
        return true;
    }

    /// <summary>Reads an id.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static HubId Parse(string text) =>
        TryParse(text, out var id) ? id
            : throw new ArgumentException(
                $"'{text}' is not a model's id; expected owner/name or owner/name@revision, such as " +
                "llava-hf/llava-1.5-7b-hf.", nameof(text));

    /// <inheritdoc/>
    public override string ToString() => Revision == DefaultRevision ? Repository : $"{Repository}@{Revision}";

    /// <summary>Whether a text can be part of a path without leaving its folder.</summary>
    internal static bool IsName(string text) =>
        text.Length is > 0 and <= 200 && text is not "." and not ".."
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
