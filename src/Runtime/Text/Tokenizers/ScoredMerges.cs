namespace D2Pruner.AI.Runtime.Text;

/// <summary>Merges by piece score (SentencePiece): any pair whose concatenation is a piece, the highest score first.</summary>
/// <param name="pieces">Text of every id.</param>
/// <param name="scores">Score of every id.</param>
/// <param name="mergeable">Ids of the pieces that merging may make.</param>
internal sealed class ScoredMerges(IReadOnlyList<string> pieces, IReadOnlyList<float> scores, IReadOnlyDictionary<string, int> mergeable)
    : IMergeTable
{
    public bool TryMerge(int left, int right, out int merged, out double priority)
    {
        priority = 0;
        if (!mergeable.TryGetValue(pieces[left] + pieces[right], out merged)) return false;
        priority = -scores[merged];
        return true;
    }
}
