using System.CommandLine;
using System.Text.Json.Nodes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner inspect</c>: what a model is, what pruning will do to it and whether it fits this machine,
/// from its configuration alone.</summary>
internal static class InspectCommand
{
    private static readonly Argument<string> Model =
        new("MODEL") { Description = "Model folder, or a Hub id in the local Hugging Face cache." };
    private static readonly Option<string> Size =
        new("--size") { Description = "Image size as WIDTHxHEIGHT.", DefaultValueFactory = _ => "640x480" };
    private static readonly Option<int> Images =
        new("--images") { Description = "Images in one request, for the memory needed.", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> MaxTokens =
        new("--max-tokens") { Description = "Longest answer in tokens, for the memory needed.", DefaultValueFactory = _ => 512 };
    private static readonly Option<string> Device = CommonOptions.Device();
    private static readonly Option<ModelPrecision> Precision = CommonOptions.Precision();
    private static readonly Option<ModelQuantization> Quantization = CommonOptions.Quantization();
    private static readonly Option<int> ActivationBits = CommonOptions.ActivationBits();
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead (shape: docs/cli.md)." };

    public static Command Create()
    {
        var command = new Command(
            "inspect", "Explains a model folder: family, sizes, grid, what will be pruned, memory needed and free. Reads no " +
            "weights.") { Model, Size, Images, MaxTokens, Device, Precision, Quantization, ActivationBits, Json };
        command.SetAction((parse, _) => Failure.Guard(() =>
        {
            Run(parse);
            return Task.CompletedTask;
        }));
        return command;
    }

    private static void Run(ParseResult parse)
    {
        var size = parse.GetValue(Size)!;
        if (size.Split('x') is not [var ws, var hs] || !int.TryParse(ws, out var width) || !int.TryParse(hs, out var height)
            || width < 1 || height < 1)
            throw new ArgumentException($"--size is '{size}'; expected WIDTHxHEIGHT such as 640x480.");
        var (images, answer) = (parse.GetValue(Images), parse.GetValue(MaxTokens));
        if (images < 1) throw new ArgumentException($"--images is {images}; it must be at least 1.");
        if (answer < 1) throw new ArgumentException($"--max-tokens is {answer}; it must be at least 1.");
        var facts = ModelFacts.Read(
            parse.GetValue(Model)!, new MemoryWorkload { Width = width, Height = height, Images = images, AnswerTokens = answer },
            parse.GetValue(Device)!, parse.GetValue(Precision), parse.GetValue(Quantization), parse.GetValue(ActivationBits));
        if (parse.GetValue(Json)) Output.Json(facts.ToJson());
        else facts.Print();
    }
}
