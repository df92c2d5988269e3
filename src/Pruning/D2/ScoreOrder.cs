namespace D2Pruner.AI.Pruning;

/// <summary>The one ordering of all selections: highest score first, ties lower index first.</summary>
internal static class ScoreOrder
{
    public static int[] Descending(float[] scores)
    {
        var order = new int[scores.Length];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort(order, (a, b) => scores[a] != scores[b] ? scores[b].CompareTo(scores[a]) : a.CompareTo(b));
        return order;
    }

    public static int[] Top(float[] scores, int n)
    {
        var top = Descending(scores)[..Math.Min(n, scores.Length)];
        Array.Sort(top);
        return top;
    }
}
