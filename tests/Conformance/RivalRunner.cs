using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Runs the cases of a folder of rival pruners: what the published code gives for given tensors.</summary>
internal sealed class RivalRunner
{
    private readonly SafetensorsFile _inputs;
    private readonly SafetensorsFile? _outputs;

    public RivalRunner(string folder)
    {
        _inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors"));
        if (File.Exists(Path.Combine(folder, "outputs.safetensors")))
            _outputs = SafetensorsFile.Open(Path.Combine(folder, "outputs.safetensors"));
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        Cases = [.. json.RootElement.Clone().EnumerateArray()];
    }

    public IReadOnlyList<JsonElement> Cases { get; }

    /// <summary>What the product gives: the case's inline results under their names, and tensors by the
    /// role that the case gives them.</summary>
    public (JsonObject Results, Dictionary<string, RowMatrix> Tensors) Compute(JsonElement golden)
    {
        var c = new Case(golden, _inputs);
        var tensors = new Dictionary<string, RowMatrix>();
        var results = c.Method switch
        {
            "fastv" => FastVOf(c),
            "dart" or "dart-qwen" => DartOf(c),
            "divprune" => DivPruneOf(c),
            "fastervlm" => FasterVlmOf(c),
            "holov" => HoloVOf(c),
            "hired-llava15" => new JsonObject { ["kept"] = Ints(HiRed.Select(c.Matrix("cls22"), c.Number("token_budget_rate"))) },
            "hired" => HiRedOf(c),
            "visionzip" => VisionZipOf(c, tensors),
            "prumerge" or "prumerge+" => PruMergeOf(c, tensors),
            "tome" => ToMeOf(c, tensors),
            "vispruner" => VisPrunerOf(c),
            "cdpruner" => CdPrunerOf(c),
            "globalcom2" => GlobalCom2Of(c),
            "fitprune" => FitPruneOf(c),
            "fitprune-fit" => FitOf(c),
            "pyramiddrop" => PyramidDropOf(c),
            "sparsevlm" or "sparsevlm+" => SparseVlmOf(c, tensors),
            _ => throw new NotSupportedException($"The method '{c.Method}' of {golden.GetProperty("name")} is unknown."),
        };
        return (results, tensors);
    }

    /// <summary>Differences between a golden and what was computed: every inline result that the golden holds, and every tensor.</summary>
    public IEnumerable<string> Compare(JsonElement golden)
    {
        var (results, tensors) = Compute(golden);
        foreach (var expected in golden.EnumerateObject())
        {
            if (expected.Name is "method" or "name" or "parameters" or "inputs" or "outputs") continue;
            if (results[expected.Name] is not { } actual)
            {
                yield return $"{expected.Name}: nothing was computed";
                continue;
            }

            foreach (var d in Differences(expected.Name, expected.Value, JsonSerializer.SerializeToElement(actual))) yield return d;
        }

        foreach (var output in golden.GetProperty("outputs").EnumerateObject())
        {
            var expected = _outputs!.ReadArray<float>(output.Value.GetString()!);
            if (!tensors.TryGetValue(output.Name, out var actual)) yield return $"{output.Name}: nothing was computed";
            else if (actual.Values.Length != expected.Length)
                yield return $"{output.Name}: {expected.Length} numbers expected, {actual.Values.Length} found";
            else
            {
                var scale = expected.Max(MathF.Abs);
                var worst = Enumerable.Range(0, expected.Length).MaxBy(i => MathF.Abs(expected[i] - actual.Values[i]));
                var error = MathF.Abs(expected[worst] - actual.Values[worst]);
                if (!(error <= 1e-6f * scale))
                    yield return $"{output.Name}[{worst}]: {expected[worst]} expected, {actual.Values[worst]} found";
            }
        }
    }

    private static IEnumerable<string> Differences(string path, JsonElement expected, JsonElement actual)
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var p in expected.EnumerateObject())
                {
                    if (!actual.TryGetProperty(p.Name, out var value)) yield return $"{path}.{p.Name}: nothing was computed";
                    else foreach (var d in Differences($"{path}.{p.Name}", p.Value, value)) yield return d;
                }

                break;
            case JsonValueKind.Array:
                var (want, have) = (expected.EnumerateArray().ToArray(), actual.EnumerateArray().ToArray());
                if (want.Length != have.Length) yield return $"{path}: {want.Length} expected, {have.Length} found";
                for (var i = 0; i < Math.Min(want.Length, have.Length); i++)
                {
                    var found = Differences($"{path}[{i}]", want[i], have[i]).ToArray();
                    foreach (var d in found) yield return d;
                    if (found.Length > 0) break;
                }

                break;
            case JsonValueKind.Number when path.StartsWith("scales", StringComparison.Ordinal):
                if (Math.Abs(expected.GetDouble() - actual.GetDouble()) > 2e-6) yield return $"{path}: {expected} expected, {actual} found";
                break;
            default:
                if (expected.GetRawText() != actual.GetRawText()) yield return $"{path}: {expected} expected, {actual} found";
                break;
        }
    }

    private static JsonObject FastVOf(Case c)
    {
        var start = c.Has("sys_length") ? c.Int("sys_length") : c.Has("image_token_start_index") ? c.Int("image_token_start_index") : 35;
        var count = c.Has("image_token_length") ? c.Int("image_token_length") : 576;
        var budget = c.Text("variant") switch
        {
            "in-place" => c.Int("attention_rank"),
            "hf" => FastV.CountOfRemoved(count, c.Number("fastv_r")),
            _ => (int)(count * c.Number("ratio")),
        };
        var keys = c.Heads("k");
        var kept = FastV.Select(c.Heads("q"), keys, start, count, budget);
        int[] positions = [.. Enumerable.Range(0, start), .. kept.Select(k => k + start),
            .. Enumerable.Range(start + count, keys[0].Count - start - count)];
        return new JsonObject { ["kept"] = Ints(kept), ["position_ids"] = Ints(positions) };
    }

    private static JsonObject DartOf(Case c)
    {
        var (start, count, keys) = (c.Int("image_token_start_index"), c.Int("image_token_length"), c.Heads("k"));
        var perPivot = c.Has("reduction_ratio") ? Dart.PerPivot(count, c.Number("reduction_ratio"))
            : c.Has("text_length") ? Dart.PerPivot(
                Math.Min(c.Int("retain_token_num_for_llava_next"), keys[0].Count - c.Int("text_length") - 4))
            : Dart.PerPivot(c.Int("max_num_trunction"));
        var (kept, order) = Dart.Select(c.Matrix("normed"), keys, start, count, perPivot);
        var (image, text) = Dart.Pivots(keys, start, count);
        return new JsonObject { ["kept"] = Ints(kept), ["pivot_order"] = Ints(order), ["image_pivots_by_norm"] = Ints(image),
            ["text_pivots_by_norm"] = Ints(text) };
    }

    private static JsonObject DivPruneOf(Case c)
    {
        RowMatrix rows;
        if (c.Has("image_size"))
        {
            var (views, newline, grid) = (c.Views("features"), c.Matrix("newline"), c.Grid(TileGrid.Llava));
            var part = grid.Unpadded(c.Width, c.Height);
            var list = new List<float>(views[0].Slice(1, 576).Values);
            for (var y = part.Top; y < part.Top + part.Rows; y++)
            {
                for (var x = part.Left; x < part.Left + part.Columns; x++)
                {
                    var token = grid.At(y, x);
                    list.AddRange(views[token.View][1 + token.Token]);
                }

                list.AddRange(newline[0]);
            }

            rows = new RowMatrix([.. list], list.Count / newline.Width, newline.Width);
        }
        else rows = Patches(c.Matrix("features"));

        var picked = DivPrune.Select(rows, DivPrune.Count(rows.Count, c.Number("subset_ratio")));
        return new JsonObject { ["kept"] = Ints(picked.Order()), ["picked_in_order"] = Ints(picked), ["candidates"] = rows.Count };
    }

    private static JsonObject FasterVlmOf(Case c)
    {
        var n = c.Int("visual_token_num");
        return new JsonObject
        {
            ["kept"] = c.Has("image_size") ? Pairs(FasterVlm.SelectViews(c.Views("cls22"), n, c.Grid(TileGrid.LargestFill)))
                : Ints(FasterVlm.Select(c.Matrix("cls22"), n)),
            ["newlines"] = 0,
        };
    }

    private static JsonObject HoloVOf(Case c)
    {
        var (n, crops) = (c.Int("new_image_token_num"), c.Int("num_patches"));
        if (!c.Has("image_size"))
        {
            var kept = HoloV.Select(Attention(c.Matrix("cls22")), Patches(c.Matrix("features")), n, crops);
            return new JsonObject { ["kept"] = Ints(kept), ["zero_rows"] = n - kept.Length };
        }

        var (cls, views, grid) = (c.Views("cls22").Select(Attention).ToArray(), c.Views("features"), c.Grid(TileGrid.Llava));
        ViewToken[] tokens = [.. Enumerable.Range(0, 576).Select(t => new ViewToken(0, t)),
            .. grid.Mosaic(grid.Unpadded(c.Width, c.Height))];
        var rows = new RowMatrix([.. tokens.SelectMany(t => views[t.View][1 + t.Token].ToArray())], tokens.Length, views[0].Width);
        var chosen = HoloV.Select([.. tokens.Select(t => cls[t.View][t.Token])], rows, n, crops);
        return new JsonObject { ["kept"] = Pairs(chosen.Select(i => tokens[i])), ["zero_rows"] = n - chosen.Length };
    }

    private static JsonObject HiRedOf(Case c)
    {
        var (kept, perView, budgets) =
            HiRed.SelectViews(c.Views("cls22"), c.Views("cls0")[0], c.Number("token_budget_rate"), c.Number("alpha"), c.Width, c.Height);
        return new JsonObject { ["kept"] = Pairs(kept), ["selected_per_view"] = new JsonArray([.. perView.Select(v => (JsonNode)Ints(v))]),
            ["tile_budgets"] = Ints(budgets) };
    }

    private static JsonObject VisionZipOf(Case c, Dictionary<string, RowMatrix> tensors)
    {
        var (heads, dominant, contextual) = (c.Int("heads"), c.Int("dominant"), c.Int("contextual"));
        var keys = c.Inputs("keys22") ? "keys22" : "features";
        if (c.Has("image_size"))
        {
            var (sequence, tokens) = VisionZip.ReduceViews(
                c.Views("cls22"), c.Views(keys), c.Views("features"), heads, dominant, contextual, c.Grid(TileGrid.Llava));
            tensors["tokens"] = tokens;
            return new JsonObject { ["sequence"] = Pairs(sequence) };
        }

        var view = VisionZip.Reduce(c.Matrix("cls22"), c.Matrix(keys), c.Matrix("features"), heads, dominant, contextual);
        tensors["tokens"] = view.Tokens;
        return new JsonObject { ["kept"] = Ints(view.Dominant.Prepend(-1)), ["topk_order"] = Ints(view.TopOrder) };
    }

    private static JsonObject PruMergeOf(Case c, Dictionary<string, RowMatrix> tensors)
    {
        var (kept, byAttention, tokens) =
            PruMerge.Reduce(Patches(c.Matrix("features")), c.Matrix("k23"), c.Matrix("q23_cls").Values, c.Method == "prumerge+");
        tensors["tokens"] = tokens;
        return new JsonObject { ["kept_in_order"] = Ints(kept), ["by_attention"] = byAttention };
    }

    private static JsonObject ToMeOf(Case c, Dictionary<string, RowMatrix> tensors)
    {
        var classToken = c.Parameter("class_token").GetBoolean();
        RowMatrix Rows(RowMatrix all) => classToken ? all : Patches(all);
        var state = ToMe.State.Start(Rows(c.Matrix("features")), Rows(ToMe.Metric(c.Matrix("keys22"), c.Int("heads"))));
        foreach (var r in c.Parameter("r").EnumerateArray()) state = ToMe.Merge(state, r.GetInt32(), classToken);
        tensors["tokens"] = state.Tokens;
        return new JsonObject { ["groups"] = new JsonArray([.. state.Groups.Select(g => (JsonNode)Ints(g))]),
            ["sizes"] = Ints(state.Sizes) };
    }

    private static JsonObject VisPrunerOf(Case c)
    {
        var (n, ratio) = (c.Int("visual_token_num"), c.Number("important_ratio"));
        if (!c.Has("image_size"))
            return new JsonObject { ["kept"] = Ints(
                VisPruner.Select(Attention(c.Matrix("cls22")), Patches(c.Matrix("features")), n, ratio)) };
        var (cls, features) = (c.Views("cls22"), c.Views("features"));
        return new JsonObject { ["kept"] = Square(
            [.. cls.Select((a, v) => VisPruner.Select(Attention(a), Patches(features[v]), n, ratio))]) };
    }

    private static JsonObject CdPrunerOf(Case c)
    {
        var (n, tiled) = (c.Int("visual_token_num"), c.Has("image_size"));
        var features = tiled ? c.Views("features") : [c.Matrix("features")];
        var relevance = CdPruner.Relevance(tiled ? c.Views("image_embeds") : [c.Matrix("image_embeds")], c.Matrix("text_embeds"));
        int[][] kept = [.. features.Select((f, v) => CdPruner.Select(f, relevance[v], n))];
        return new JsonObject { ["kept"] = tiled ? Square(kept) : Ints(kept[0]) };
    }

    private static JsonObject GlobalCom2Of(Case c)
    {
        var logits = c.Matrix("logits23");
        double[][] scores = [.. Enumerable.Range(0, logits.Count).Select(v => Array.ConvertAll(logits[v][1..].ToArray(), x => (double)x))];
        var (first, mosaic, rates) = GlobalCom2.Select(scores, c.Number("retention_ratio"), c.Grid(TileGrid.Llava), c.Width, c.Height);
        return new JsonObject
        {
            ["base_order"] = Ints(first),
            ["rest"] = Pairs(mosaic),
            ["scales"] = new JsonArray([.. rates.Select(r => (JsonNode)r)]),
            ["newlines"] = mosaic.Count(t => t == ViewToken.None),
        };
    }

    private static JsonObject FitPruneOf(Case c)
    {
        var (start, count) = (c.Int("image_token_start_index"), c.Int("left_vtoken_num"));
        var deleted = FitPrune.Delete(c.Heads("q"), c.Heads("k"), start, count, c.Int("delete"));
        return new JsonObject { ["deleted_in_order"] = Ints(deleted), ["kept"] = Ints(Enumerable.Range(0, count).Except(deleted)) };
    }

    private static JsonObject FitOf(Case c)
    {
        var (start, count) = (c.Int("image_token_start_index"), c.Int("left_vtoken_num"));
        var expendable = FitPrune.Fit(c.Heads("q"), c.Heads("k"), start, count, c.Number("alpha"));
        return new JsonObject { ["deleted"] = expendable.Length, ["kept"] = Ints(Enumerable.Range(0, count).Except(expendable)) };
    }

    private static JsonObject PyramidDropOf(Case c)
    {
        var (start, original, hidden) = (c.Int("image_position"), c.Int("image_tokens"), c.Matrix("hidden"));
        int[] left = [.. Enumerable.Range(0, original)];
        var stages = new JsonArray();
        var ratios = c.Parameter("image_token_ratio_list").EnumerateArray().Select(r => r.GetDouble()).ToArray();
        for (var s = 0; s < ratios.Length; s++)
        {
            int[] rows = [.. Enumerable.Range(0, start), .. left.Select(i => start + i),
                .. Enumerable.Range(start + original, hidden.Count - start - original)];
            var attention = PyramidDrop.Attention(
                hidden.Gather(rows), c.Matrix($"norm{s}").Values, c.Matrix($"wq{s}"), c.Matrix($"wk{s}"), c.Int("heads"), 1e-6,
                c.Number("rope_base"), c.Int("prompt_len") + left.Length - 1);
            left = [.. PyramidDrop.Select(attention, start, left.Length, original, ratios[s]).Select(i => left[i])];
            stages.Add((JsonNode)Ints(left));
        }

        return new JsonObject { ["kept_per_stage"] = stages };
    }

    private static JsonObject SparseVlmOf(Case c, Dictionary<string, RowMatrix> tensors)
    {
        var (start, count, hidden, second) =
            (c.Int("pre_prompt_length"), c.Int("image_shape"), c.Matrix("hidden"), c.Text("version") == "2_0");
        var (visual, text) = (hidden.Slice(start, count), hidden.Slice(start + count, hidden.Count - start - count));
        var raters = SparseVlm.Raters(visual, text);
        var counts = SparseVlm.Counts(c.Int("retain_tokn"), second);
        int[] ids = [.. Enumerable.Range(start, count)], textIds = [.. Enumerable.Range(start + count, text.Count)];
        var stages = new JsonArray();
        for (var s = 0; s < counts.Length; s++)
        {
            var layer = SparseVlm.Layers[s];
            var attention = c.Heads(layer == SparseVlm.Layers[0] ? $"attention{layer}" : $"attention{layer}.{c.Int("retain_tokn")}");
            var stage = new JsonObject { ["layer"] = layer, ["visual_in"] = visual.Count };
            if (second)
            {
                var (scores, heads) = SparseVlm.ScoresOfVersion2(attention, raters, textIds, ids, c.Int("head_dim"), c.Number("rope_base"));
                var kept = SparseVlm.Select(scores, counts[s]);
                (visual, ids) = (visual.Gather(kept), [.. kept.Select(k => ids[k])]);
                stage["kept"] = Ints(kept);
                stage["heads"] = Ints(heads);
                stage["position_ids"] = Ints([.. Enumerable.Range(0, start), .. ids, .. textIds]);
            }
            else
            {
                var reduced = SparseVlm.Reduce(SparseVlm.Scores(attention, raters), visual, counts[s]);
                var kept = visual.Gather(reduced.Kept);
                tensors[$"merged_layer{layer}"] = reduced.Merged;
                visual = new RowMatrix([.. kept.Values, .. reduced.Merged.Values], kept.Count + reduced.Merged.Count, visual.Width);
                var length = start + visual.Count + text.Count;
                stage["kept"] = Ints(reduced.Kept);
                stage["clusters"] = reduced.Merged.Count;
                stage["merge_candidates"] = Ints(reduced.Candidates);
                stage["position_ids"] = Ints([0, length - 1, length]);
            }

            stage["visual_out"] = visual.Count;
            stages.Add((JsonNode)stage);
        }

        return new JsonObject { ["raters"] = Ints(raters), ["stages"] = stages };
    }

    private static JsonArray Square(int[][] perView)
    {
        var kept = perView.SelectMany((tokens, v) => tokens.Select(t => new ViewToken(v, t))).ToHashSet();
        return Pairs([.. perView[0].Select(t => new ViewToken(0, t)), .. TileGrid.Square.Mosaic().Where(kept.Contains)]);
    }

    private static double[] Attention(RowMatrix cls)
    {
        var mean = new double[cls.Width - 1];
        for (var h = 0; h < cls.Count; h++)
        {
            for (var i = 0; i < mean.Length; i++) mean[i] += (double)cls[h][i + 1] / cls.Count;
        }

        return mean;
    }

    private static RowMatrix Patches(RowMatrix withCls) => withCls.Slice(1, withCls.Count - 1);

    private static JsonArray Ints(IEnumerable<int> values) => new([.. values.Select(v => (JsonNode)v)]);

    private static JsonArray Pairs(IEnumerable<ViewToken> tokens) => new([.. tokens.Select(t => (JsonNode)new JsonArray(t.View, t.Token))]);

    /// <summary>A case with its tensors and parameters.</summary>
    private sealed class Case(JsonElement json, SafetensorsFile inputs)
    {
        public string Method => json.GetProperty("method").GetString()!;

        public int Width => Parameter("image_size")[0].GetInt32();

        public int Height => Parameter("image_size")[1].GetInt32();

        public bool Has(string parameter) => json.GetProperty("parameters").TryGetProperty(parameter, out _);

        public bool Inputs(string role) => json.GetProperty("inputs").TryGetProperty(role, out _);

        public JsonElement Parameter(string name) => json.GetProperty("parameters").GetProperty(name);

        public int Int(string name) => Parameter(name).GetInt32();

        public double Number(string name) => Parameter(name).GetDouble();

        public string Text(string name) => Parameter(name).GetString()!;

        public TileGrid Grid(Func<int, int, TileGrid> choose) => choose(Width, Height);

        public RowMatrix Matrix(string role)
        {
            var (values, shape) = Read(role);
            return shape.Length == 1 ? new RowMatrix(values, 1, values.Length) : new RowMatrix(values, (int)shape[0], (int)shape[1]);
        }

        /// <summary>The matrices of a tensor of three dimensions.</summary>
        public RowMatrix[] Views(string role)
        {
            var (values, shape) = Read(role);
            var size = (int)(shape[1] * shape[2]);
            return [.. Enumerable.Range(0, (int)shape[0])
                .Select(v => new RowMatrix(values.AsSpan(v * size, size).ToArray(), (int)shape[1], (int)shape[2]))];
        }

        public RowMatrix[] Heads(string role) => Views(role);

        private (float[] Values, long[] Shape) Read(string role)
        {
            var name = json.GetProperty("inputs").GetProperty(role).GetString()!;
            return (inputs.ReadArray<float>(name), [.. inputs.Find(name)!.Shape]);
        }
    }
}
