using System.CommandLine;
using System.Text.Json.Nodes;
using D2Pruner.AI.DemoModel.Evaluation;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.DemoModel.Commands;

/// <summary><c>reuse</c>: two different questions about one image; how well is the second answered with what the first one left?</summary>
internal static class ReuseCommand
{
    private static readonly Option<string> Model = new("--model") { Description = "Model folder.", Required = true };
    private static readonly Option<int> Scenes = new("--scenes") { Description = "Scenes.", DefaultValueFactory = _ => 200 };
    private static readonly Option<long> Seed = new("--seed") { Description = "Seed within the split.", DefaultValueFactory = _ => 1 };
    private static readonly Option<Split> Part =
        new("--split") { Description = "Train, Calibration, Validation or Test.", DefaultValueFactory = _ => Split.Validation };
    private static readonly Option<int[]> Keep =
        new("--keep") { Description = "Visual tokens to keep.", DefaultValueFactory = _ => [64, 192] };

    public static Command Create()
    {
        var command = new Command(
            "reuse", "Two questions about one image: the second answered fresh, exact, frozen and grown; accuracy with 95% intervals and " +
            "time to the first token.") { Model, Scenes, Seed, Part, Keep };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = parse.GetValue(Model) }, cancellationToken: cancellationToken);
        var rows = new JsonArray();
        foreach (var n in parse.GetValue(Keep)!)
        {
            foreach (var mode in new[] { PrefixReuse.Off, PrefixReuse.Exact, PrefixReuse.Frozen, PrefixReuse.Grow })
            {
                var (answers, times) = (new List<Scored>(), new List<double>());
                for (var i = 0; i < parse.GetValue(Scenes); i++)
                {
                    var (png, questions) = SceneCases.Case(parse.GetValue(Part), (ulong)parse.GetValue(Seed), i);
                    // The first question is another one each time; the second is the next of the scene's.
                    var (first, second) = (questions[i % questions.Count], questions[(i + 1) % questions.Count]);
                    var pruning = new PruningSettings { Budget = TokenBudget.OfTokens(n) };
                    await Evaluator.AskAsync(engine, png, first, pruning, cancellationToken, mode);
                    var (answer, time) = await Evaluator.TimedAsync(engine, png, second, pruning, mode, cancellationToken);
                    answers.Add(answer);
                    times.Add(time.TotalMilliseconds);
                }

                times.Sort();
                var report = EvaluationReport.Create(answers);
                report["keep"] = n;
                report["reuse"] = mode.ToString().ToLowerInvariant();
                report["right"] = Math.Round(answers.Average(a => a.Right ? 1.0 : 0), 4);
                report["ttft_p50_ms"] = Math.Round(times[times.Count / 2], 1);
                rows.Add(report);
                Console.Error.WriteLine($"n = {n}, {mode}: {report["right"]}, {report["ttft_p50_ms"]} ms");
            }
        }

        Console.WriteLine(rows.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true }));
        return 0;
    }
}
