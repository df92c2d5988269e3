namespace D2Pruner.AI.Runtime.Text;

/// <summary>What two neighbouring symbols merge into, and how urgently (lower first).</summary>
internal interface IMergeTable
{
    bool TryMerge(int left, int right, out int merged, out double priority);
}
