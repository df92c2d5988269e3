using D2Pruner.AI.Runtime.Overlays;
using System.CommandLine;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Imaging;
using SkiaSharp;

namespace D2Pruner.AI.DemoModel.Commands;

/// <summary><c>sheet</c>: a picture with scenes, questions and answers.</summary>
internal static class SheetCommand
{
    private const int Columns = 3;
    private const int Text = 150;
    private const int LineLength = 76;

    public static Command Create()
    {
        var output = new Option<string>("--out") { Description = "PNG to write.", DefaultValueFactory = _ => "scenes.png" };
        var seed = new Option<long>("--seed") { Description = "Seed.", DefaultValueFactory = _ => 1 };
        var command = new Command("sheet", "Draws six scenes of the world with questions and answers.") { output, seed };
        command.SetAction(parse =>
        {
            File.WriteAllBytes(parse.GetValue(output)!, Draw((ulong)parse.GetValue(seed)));
            return 0;
        });
        return command;
    }

    private static byte[] Draw(ulong seed)
    {
        using var surface = SKSurface.Create(new SKImageInfo(Columns * (Scene.Side + 150), 2 * (Scene.Side + Text)));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        for (var i = 0; i < 2 * Columns; i++)
        {
            var scene = Scene.Create(Split.Validation, seed, (ulong)i, new SceneOptions(3, 8, 0.6));
            using var picture = SKImage.FromEncodedData(SceneImage.Draw(scene).ToPng());
            var (left, top) = (i % Columns * (Scene.Side + 150) + 5, i / Columns * (Scene.Side + Text));
            canvas.DrawImage(picture, left, top, SKSamplingOptions.Default);
            var writer = new QuestionWriter(new Rng(seed, (ulong)i, 5), scene);
            var y = top + Scene.Side + 6;
            foreach (var task in Enum.GetValues<QuestionTask>())
            {
                if (writer.Ask(task) is not { } q) continue;
                var room = Math.Min(40, LineLength - q.Answer.Length);
                var line = (q.Text.Length > room ? ".." + q.Text[^(room - 2)..] : q.Text) + " ";
                PixelFont.Draw(canvas, line, left, y, SKColors.Black);
                PixelFont.Draw(canvas, q.Answer, left + PixelFont.Measure(line), y, SKColors.DarkBlue);
                y += 12;
            }
        }

        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
