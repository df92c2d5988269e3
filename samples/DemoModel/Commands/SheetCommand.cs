using System.CommandLine;
using D2Pruner.AI.DemoModel.Evaluation;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.DemoModel.Commands;

/// <summary><c>sheet</c>: an image with scenes, questions, the model's answers and the truth.</summary>
internal static class SheetCommand
{
    public static Command Create()
    {
        var model = EvaluateCommand.ModelOption();
        var output = new Option<string>("--out") { Description = "PNG to write.", DefaultValueFactory = _ => "scenes.png" };
        var seed = new Option<long>("--seed") { Description = "Seed within the test split.", DefaultValueFactory = _ => 1 };
        var scenes = new Option<int>("--scenes") { Description = "The first so many scenes of the seed.", DefaultValueFactory = _ => 6 };
        var command = new Command(
            "sheet", "Draws the first scenes of a seed of the test split with a question of each kind, what the model answers without " +
            "pruning, and the truth.") { model, output, seed, scenes };
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var engine = await VisionLanguageEngine.LoadAsync(
                new VisionModelOptions { ModelPath = parse.GetValue(model) }, cancellationToken: cancellationToken);
            var (entries, count) = (new List<(byte[] Png, IReadOnlyList<Scored> Answers)>(), Math.Max(1, parse.GetValue(scenes)));
            for (var i = 0; i < count; i++)
            {
                var (png, questions) = SceneCases.Case(Split.Test, (ulong)parse.GetValue(seed), i);
                var answers = new List<Scored>();
                foreach (var question in questions) answers.Add(await Evaluator.AskAsync(engine, png, question, null, cancellationToken));
                entries.Add((png, answers));
            }

            await File.WriteAllBytesAsync(parse.GetValue(output)!, AnswerSheet.Draw(entries), cancellationToken);
            var all = entries.SelectMany(e => e.Answers).ToList();
            Console.WriteLine($"{all.Count(a => a.Right)} of {all.Count} answers are right. Written: {parse.GetValue(output)}");
            return 0;
        });
        return command;
    }
}
