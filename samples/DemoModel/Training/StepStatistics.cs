namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Sums of named measures; averages are formed when they are read.</summary>
internal sealed class StepStatistics
{
    private readonly SortedDictionary<string, (double Sum, double Weight)> _sums = new(StringComparer.Ordinal);

    public void Add(string name, double value, double weight = 1)
    {
        var (s, w) = _sums.GetValueOrDefault(name);
        _sums[name] = (s + value * weight, w + weight);
    }

    public void Add(StepStatistics other)
    {
        foreach (var (name, (s, w)) in other._sums)
        {
            var (a, b) = _sums.GetValueOrDefault(name);
            _sums[name] = (a + s, b + w);
        }
    }

    public IEnumerable<(string Name, double Mean, double Weight)> Means() =>
        _sums.Where(p => p.Value.Weight > 0).Select(p => (p.Key, p.Value.Sum / p.Value.Weight, p.Value.Weight));

    public void Clear() => _sums.Clear();
}
