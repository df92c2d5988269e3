using D2Pruner.AI.Orleans.Wire;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Placement;

/// <summary>The workers' last reports, and when what of them changed.</summary>
internal sealed class Board
{
    private readonly Guid _id = Guid.NewGuid();
    private readonly Dictionary<SiloAddress, Told> _told = [];
    private readonly HashSet<SiloAddress> _members = [];
    private long _membersAt;
    private long _version;

    /// <summary>Takes a worker's report, where it is a member.</summary>
    public void Tell(WorkerReport report)
    {
        if (!_members.Contains(report.Silo)) return;
        var old = _told.GetValueOrDefault(report.Silo);
        _version++;
        ToldModel[] models = [.. report.Models.Select(m => ToldModel.Of(m, Array.Find(old?.Models ?? [], o => o.IsOf(m)), _version))];
        var same = old is not null && old.Draining == report.Draining && old.Models.SequenceEqual(models);
        _told[report.Silo] = new Told(report.Silo, report.Draining, models, same ? old!.At : _version);
    }

    /// <summary>Forgets who is no member any more.</summary>
    public void Keep(IReadOnlyCollection<SiloAddress> members)
    {
        if (_members.SetEquals(members)) return;
        _members.Clear();
        _members.UnionWith(members);
        _membersAt = ++_version;
        foreach (var gone in _told.Keys.Except(_members).ToList()) _told.Remove(gone);
    }

    /// <summary>What a reader does not know yet.</summary>
    public BoardChanges Since(BoardMark seen)
    {
        var whole = seen.Board != _id;
        var since = whole ? -1 : seen.Version;
        return new BoardChanges(
            new BoardMark(_id, _version), whole, [.. _told.Values.Where(t => t.At > since).Select(t => t.Since(since))],
            _membersAt > since ? [.. _members] : null);
    }

    private sealed record Told(SiloAddress Silo, bool Draining, ToldModel[] Models, long At)
    {
        public WorkerReport Since(long version) => new(Silo, Draining, [.. Models.Select(m => m.Since(version))]);
    }

    // Its images by the time of their coming, the last one first; two are equal where nothing of them is news.
    private sealed record ToldModel(ModelReport Report, long First, (ulong Image, long At)[] Images)
    {
        public static ToldModel Of(ModelReport report, ToldModel? old, long version)
        {
            var here = report.Images.ToHashSet();
            foreach (var (image, _) in old?.Images ?? []) here.Remove(image);
            var images = old?.Images ?? [];
            if (here.Count > 0 || old is null)
                images = [.. here.Select(i => (i, version)), .. images.Where(i => Array.IndexOf(report.Images, i.Image) >= 0)];
            return new ToldModel(report with { Images = [] }, old?.First ?? version, images);
        }

        public bool IsOf(ModelReport report) => (Report.Name, Report.Fingerprint) == (report.Name, report.Fingerprint);

        public ModelReport Since(long version) => Report with
        {
            Info = First > version ? Report.Info : "",
            Images = [.. Images.TakeWhile(i => i.At > version).Select(i => i.Image)],
        };
    }
}
