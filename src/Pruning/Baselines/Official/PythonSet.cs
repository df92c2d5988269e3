namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>The iteration order of CPython's set of small whole numbers: DART's result hangs on it.</summary>
internal static class PythonSet
{
    private const int LinearProbes = 9;

    /// <summary>The numbers in the order in which <c>for x in set(list)</c> meets them.</summary>
    /// <param name="items">Distinct numbers, not negative, in the order of insertion.</param>
    public static int[] Order(IReadOnlyList<int> items)
    {
        var table = new int?[8];
        var fill = 0;
        foreach (var item in items)
        {
            Insert(table, item);
            fill++;
            if (fill * 5 < (table.Length - 1) * 3) continue;
            var size = 8;
            while (size <= 4 * fill) size *= 2;
            var bigger = new int?[size];
            foreach (var slot in table)
            {
                if (slot is { } old) Insert(bigger, old);
            }

            table = bigger;
        }

        return [.. table.OfType<int>()];
    }

    private static void Insert(int?[] table, int item)
    {
        var mask = table.Length - 1;
        var perturb = (long)item;
        var i = item & mask;
        while (true)
        {
            var last = i + LinearProbes <= mask ? i + LinearProbes : i;
            for (var slot = i; slot <= last; slot++)
            {
                if (table[slot] is not null) continue;
                table[slot] = item;
                return;
            }

            perturb >>= 5;
            i = (int)((5L * i + 1 + perturb) & mask);
        }
    }
}
