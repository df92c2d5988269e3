using System.CommandLine;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner inspect</c>: what a model is and what pruning will do to it, from its configuration alone.</summary>
internal static class InspectCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "Model folder, or a Hub id in the local Hugging Face cache." };
    private static readonly Option<string> Size = new("--size") { Description = "Picture size as WIDTHxHEIGHT.", DefaultValueFactory = _ => "640x480" };

    public static Command Create()
    {
        var command = new Command("inspect", "Explains a model folder: family, sizes, grid, what will be pruned, bytes needed. Reads no weights.") { Model, Size };
        command.SetAction((parse, _) => Failure.Guard(() =>
        {
            Run(parse.GetValue(Model)!, parse.GetValue(Size)!);
            return Task.CompletedTask;
        }));
        return command;
    }

    private static string Access(CheckpointFolder folder)
    {
        try
        {
            return WeightsAccess.Decide(folder.WeightFiles(), null).ToString();
        }
        catch (CheckpointException)
        {
            return "no weight files here";
        }
    }

    private static void Run(string model, string size)
    {
        if (size.Split('x') is not [var ws, var hs] || !int.TryParse(ws, out var width) || !int.TryParse(hs, out var height) || width < 1 || height < 1)
            throw new ArgumentException($"--size is '{size}'; expected WIDTHxHEIGHT such as 640x480.");
        var folder = CheckpointFolder.Open(ModelLocator.Resolve(model));
        var blueprint = ModelFamilies.Read(folder);
        var text = blueprint.Text;
        var parameters = blueprint.Plan().Parameters;
        var plan = blueprint.ImageProcessor(default).Plan(width, height);
        var visual = plan.Grids.Sum(g => g.Rows * g.Columns);
        var perToken = 2L * text.Layers * text.KvHeads * text.HeadDim;
        var prior = Path.Combine(folder.Path, ModelLoader.PriorFileName);
        var table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("", "");
        void Row(string name, string value) => table.AddRow(name, Markup.Escape(value));
        Row("family", blueprint.Family);
        Row("parameters", $"{parameters:N0} ({parameters})");
        Row("weights", WeightBytes(folder, blueprint.Plan()));
        if (folder.Quantization is { } quantization)
        {
            Row("quantized", $"{quantization.Description}; activations keep their type, on CPU by kernels of 8 and 4 bits (docs/quantization.md)");
            if (quantization.Exceptions.Count > 0) Row("left dense", string.Join(", ", quantization.Exceptions.Take(4)) + (quantization.Exceptions.Count > 4 ? $" and {quantization.Exceptions.Count - 4} more" : ""));
        }

        Row("weights access", Access(folder));
        Row("stored type", folder.Config.TryGetProperty("torch_dtype", out var dtype) ? dtype.ToString() : "not named in config.json");
        Row("decoder", $"{text.Layers} layers, hidden {text.HiddenSize}, {text.Heads} heads, {text.KvHeads} KV heads, context {text.MaxPositions}");
        Row("picture", $"{width}x{height}: {visual} visual tokens, grid {string.Join(" + ", plan.Grids.Select(g => $"{g.Name} {g.Rows}x{g.Columns}"))}" + (plan.SeparatorOffsets.Length > 0 ? $", {plan.SeparatorOffsets.Length} separators" : ""));
        foreach (var preset in new[] { PruningPreset.Understanding, PruningPreset.Localization })
        {
            var s = PruningSettings.FromPreset(preset);
            var kept = BudgetSplit.Split(s.Budget, [visual])[0];
            Row(preset.ToString(), $"keeps {kept} of {visual} visual tokens after layer {Math.Min(s.LayersBeforePruning, text.Layers - 1) - 1} (K = {Math.Min(s.LayersBeforePruning, text.Layers - 1)}); KV of the picture {perToken * 2 * kept:N0} instead of {perToken * 2 * visual:N0} bytes in 16 bit");
        }

        Row("prior", File.Exists(prior) ? $"K = {string.Join(", ", PriorFile.Load(prior).Layers)}" : $"none ({ModelLoader.PriorFileName} is not there): attention is not debiased");
        AnsiConsole.Write(table);
    }

    // From the configuration alone: what is quantized there counts with its bits and scales.
    private static string WeightBytes(CheckpointFolder folder, TensorPlan plan)
    {
        long Count(Func<ExpectedTensor, bool> which) => plan.Tensors.Where(t => !t.Optional && which(t)).Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b));
        var (maps, rest) = (Count(t => t.IsQuantizable), Count(t => !t.IsQuantizable));
        if (folder.Quantization is { } q) return $"{q.BytesOf(maps) + rest * 2:N0} bytes as they are ({q.Bits} bits in the decoder), {(maps + rest) * 2:N0} if they were 16 bit";
        var (eight, four) = (maps + rest * 2, maps / 2 + maps / 32 + rest * 2);
        return $"{(maps + rest) * 2:N0} bytes in 16 bit, {(maps + rest) * 4:N0} in 32 bit; with Quantization = Int8 {eight:N0}, Int4 {four:N0}";
    }
}
