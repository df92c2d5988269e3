using System.Text;
using System.Text.Json;

namespace D2Pruner.AI.Fuzz;

/// <summary>Damages JSON by its structure: other values, other types, missing and doubled keys, depth; and now and then as bytes.</summary>
internal static class JsonMutator
{
    public static byte[] Mutate(Random random, JsonElement root)
    {
        var changes = random.Next(8) == 0 ? 0 : 1 + random.Next(3);
        var places = Count(root);
        var chosen = Enumerable.Range(0, changes).Select(_ => random.Next(places)).ToHashSet();
        var text = new StringBuilder();
        var at = 0;
        Write(root, text, chosen, ref at, random);
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        return changes == 0 || random.Next(12) == 0 ? ByteMutator.Mutate(random, bytes) : bytes;
    }

    private static int Count(JsonElement json) => 1 + json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().Sum(p => Count(p.Value)),
        JsonValueKind.Array => json.EnumerateArray().Sum(Count),
        _ => 0,
    };

    private static void Write(JsonElement json, StringBuilder text, HashSet<int> chosen, ref int at, Random random)
    {
        if (chosen.Contains(at++))
        {
            text.Append(Replacement(json, random));
            at += Count(json) - 1;
            return;
        }

        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append('{');
                var first = true;
                foreach (var p in json.EnumerateObject())
                {
                    var (drop, twice, other) =
                        (chosen.Contains(at) && random.Next(3) == 0, chosen.Contains(at) && random.Next(6) == 0, chosen.Contains(at)
                            && random.Next(6) == 0);
                    if (drop)
                    {
                        at += Count(p.Value);
                        continue;
                    }

                    if (!first) text.Append(',');
                    first = false;
                    if (twice) text.Append(Values.Quoted(p.Name)).Append(':').Append(Values.Json(random)).Append(',');
                    text.Append(other ? Values.Quoted(random) : Values.Quoted(p.Name)).Append(':');
                    Write(p.Value, text, chosen, ref at, random);
                }

                text.Append('}');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                var i = 0;
                foreach (var item in json.EnumerateArray())
                {
                    if (i++ > 0) text.Append(',');
                    Write(item, text, chosen, ref at, random);
                }

                text.Append(']');
                break;
            default:
                text.Append(json.GetRawText());
                break;
        }
    }

    // Mostly of the same type: other types are found out first and hide what is behind.
    private static string Replacement(JsonElement json, Random random)
    {
        var raw = json.GetRawText();
        if (random.Next(4) == 0) return Values.Json(random);
        return json.ValueKind switch
        {
            JsonValueKind.Number => Values.Number(random),
            JsonValueKind.String => Values.Quoted(random),
            JsonValueKind.True or JsonValueKind.False => raw == "true" ? "false" : "true",
            JsonValueKind.Array when random.Next(2) == 0 => "[]",
            JsonValueKind.Array => $"[{raw},{Values.Json(random)}]",
            JsonValueKind.Object when random.Next(2) == 0 => "{}",
            _ => Values.Json(random),
        };
    }
}
