namespace D2Pruner.AI.Runtime.Text;

/// <summary>Decodes ids one at a time; text is handed out only when no later id can change it. For one text and one thread.</summary>
internal interface IIncrementalDecoder
{
    /// <summary>Feeds an id.</summary>
    /// <param name="id">The id; one beyond the vocabulary adds nothing.</param>
    /// <returns>Text that is now final; often empty.</returns>
    string Push(int id);

    /// <summary>Ends the text.</summary>
    /// <returns>What was still held back.</returns>
    string Flush();
}
