using System.Net;
using System.Text.Json;
using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Placement;
using D2Pruner.AI.Orleans.Wire;
using Orleans.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>Readers of a board get what changed, and know what they would if they got everything.</summary>
public sealed class BoardTests
{
    private readonly Board _board = new();

    [Fact]
    public void WhatDidNotChange_IsNotSentAgain()
    {
        _board.Keep([Silo(1), Silo(2)]);
        _board.Tell(Of(1, load: 1, images: [10, 11]));
        _board.Tell(Of(2, load: 2, images: [20]));
        var view = BoardView.Empty.With(_board.Since(default));
        Assert.Equal([[10, 11], [20]], view.Reports.Select(r => r.Models[0].Images));

        // The same again, with its images in another order.
        _board.Tell(Of(1, load: 1, images: [11, 10]));
        var nothing = _board.Since(view.Mark);
        Assert.Empty(nothing.Reports);
        Assert.Null(nothing.Members);
        view = view.With(nothing);

        _board.Tell(Of(1, load: 3, images: [12, 11, 10]));
        var changes = _board.Since(view.Mark);
        var model = Assert.Single(Assert.Single(changes.Reports).Models);
        Assert.Equal(("", 3), (model.Info, model.Load));
        Assert.Equal([12UL], model.Images);
        model = view.With(changes).Reports.Single(r => r.Silo.Equals(Silo(1))).Models[0];
        Assert.Equal(("info f", 3), (model.Info, model.Load));
        Assert.Equal([12UL, 10, 11], model.Images);
    }

    [Fact]
    public void ReadersThatReadNowAndThen_KnowWhatTheWorkersToldLast()
    {
        var random = new Random(1);
        var last = new Dictionary<SiloAddress, WorkerReport>();
        var readers = Enumerable.Repeat(BoardView.Empty, 4).ToArray();
        var board = _board;
        var members = Enumerable.Range(1, 8).ToArray();
        board.Keep([.. members.Select(Silo)]);
        for (var step = 0; step < 3000; step++)
        {
            if (step % 50 == 49)
            {
                // One goes and another comes.
                var place = random.Next(members.Length);
                last.Remove(Silo(members[place]));
                members[place] = 10 + step;
                // The board moves too, is empty there, and is told everything again.
                if (step % 500 == 499) board = new Board();
                board.Keep([.. members.Select(Silo)]);
                foreach (var told in last.Values) board.Tell(told);
            }

            var report = Of(
                members[random.Next(members.Length)], random.Next(3),
                [.. Enumerable.Range(0, 20).Where(_ => random.Next(3) == 0).Select(i => (ulong)i)],
                random.Next(5) > 0 ? "f" : "g", random.Next(9) == 0);
            board.Tell(report);
            last[report.Silo] = report;

            var i = random.Next(readers.Length);
            readers[i] = readers[i].With(board.Since(readers[i].Mark));
            Assert.Equal(Facts(last.Values), Facts(readers[i].Reports));
            foreach (var known in readers[i].Reports)
                Assert.Subset(known.Models[0].Images.ToHashSet(), last[known.Silo].Models[0].Images.ToHashSet());
        }
    }

    [Fact]
    public void AnAnswerThatIsLate_ChangesNothing()
    {
        _board.Keep([Silo(1)]);
        _board.Tell(Of(1, load: 1));
        var start = BoardView.Empty.With(_board.Since(default));
        _board.Tell(Of(1, load: 2));
        var early = _board.Since(start.Mark);
        _board.Tell(Of(1, load: 3));
        var view = start.With(_board.Since(start.Mark));
        Assert.Same(view, view.With(early));

        var moved = new Board();
        moved.Keep([Silo(1)]);
        moved.Tell(Of(1, load: 4));
        view = view.With(moved.Since(view.Mark));
        Assert.Equal(4, view.Reports[0].Models[0].Load);
        Assert.Same(view, view.With(early));
    }

    [Fact]
    public void AfterTheBoardHasMoved_ItsReadersKnowTheMembersThatHaveNotToldYet()
    {
        _board.Keep([Silo(1), Silo(2), Silo(3)]);
        for (var i = 1; i <= 3; i++) _board.Tell(Of(i, load: i, images: [5]));
        var view = BoardView.Empty.With(_board.Since(default));
        var moved = new Board();
        moved.Keep([Silo(1), Silo(2)]);
        moved.Tell(Of(1, load: 7));
        view = view.With(moved.Since(view.Mark));
        Assert.Equal([(Silo(1), 7), (Silo(2), 2)], view.Reports.Select(r => (r.Silo, r.Models[0].Load)));
        moved.Tell(Of(2, load: 0));
        view = view.With(moved.Since(view.Mark));
        Assert.Equal([7, 0], view.Reports.Select(r => r.Models[0].Load));
    }

    [Fact]
    public void AReportOfNoMember_IsNotTaken()
    {
        _board.Keep([Silo(1)]);
        _board.Tell(Of(2));
        Assert.Empty(_board.Since(default).Reports);
        _board.Keep([Silo(1), Silo(2)]);
        _board.Tell(Of(2));
        Assert.Single(_board.Since(default).Reports);
        _board.Keep([Silo(1)]);
        Assert.Empty(_board.Since(default).Reports);
    }

    private static string Facts(IEnumerable<WorkerReport> reports) => JsonSerializer.Serialize(
        reports.OrderBy(r => r.Silo).Select(r => $"{r.Silo.ToParsableString()} {r.Draining} {r.Models[0] with { Images = [] }}"));

    private static SiloAddress Silo(int number) => SiloAddress.New(new IPEndPoint(IPAddress.Loopback, number), 1);

    private static WorkerReport Of(int silo, int load = 0, ulong[]? images = null, string version = "f", bool draining = false) => new(
        Silo(silo), draining, [new ModelReport("vision", version, "info " + version, load, 4, 68, 0, images ?? [])]);
}
