using D2Pruner.AI.Runtime;
using Xunit;
using Xunit.Abstractions;

namespace D2Pruner.AI.Tests.Rooms;

/// <summary>The rooms of Runtime stand in an order in which each knows only earlier ones.</summary>
public class RuntimeRoomsTests(ITestOutputHelper output)
{
    [Fact]
    public void No_two_rooms_depend_on_each_other_both_ways()
    {
        var map = new RoomMap(typeof(VisionLanguageEngine).Assembly, "src/Runtime");
        var pairs = map.Uses.Keys.Where(u => string.CompareOrdinal(u.From, u.To) < 0 && map.Uses.ContainsKey((u.To, u.From)))
            .Select(u => $"{u.From} <-> {u.To}: {map.Uses[u]}; {map.Uses[(u.To, u.From)]}").ToArray();
        Assert.True(pairs.Length == 0, string.Join(Environment.NewLine, pairs));
        var order = map.Order();
        Assert.True(order is not null,
            "The rooms form a longer cycle: " + string.Join("; ", map.Uses.Select(u => $"{u.Key.From} -> {u.Key.To} ({u.Value})")));
        output.WriteLine(string.Join(" < ", order));
        Assert.Equal("Contracts", order.First(r => r is "Contracts" or "Engine"));
    }

    [Fact]
    public void Every_room_is_seen()
    {
        var map = new RoomMap(typeof(VisionLanguageEngine).Assembly, "src/Runtime");
        var folders = Directory.GetDirectories(Path.Combine(Repository.Root, "src", "Runtime")).Select(Path.GetFileName)
            .Except(["obj", "bin", "buildTransitive"]);
        Assert.Equal(folders.Order(StringComparer.Ordinal), map.Rooms);
        Assert.Contains(("Engine", "Contracts"), map.Uses.Keys);
    }
}
