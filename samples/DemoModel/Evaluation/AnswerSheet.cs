using D2Pruner.AI.Runtime.Overlays;
using SkiaSharp;

namespace D2Pruner.AI.DemoModel.Evaluation;

/// <summary>Scenes beside what was asked, what was answered and what would have been right.</summary>
internal static class AnswerSheet
{
    private const int Columns = 2;
    private const int Margin = 8;
    private const int TextWidth = 340;
    private const int Line = 11;

    private static readonly SKColor Right = new(0, 110, 30);
    private static readonly SKColor Wrong = new(200, 0, 0);
    private static readonly SKColor Truth = new(110, 110, 110);

    /// <summary>Draws a PNG: a right answer is green, a wrong one red; the truth stands below either.</summary>
    public static byte[] Draw(IReadOnlyList<(byte[] Png, IReadOnlyList<Scored> Answers)> scenes)
    {
        const int width = Scene.Side + TextWidth + 3 * Margin;
        // A question takes three lines.
        var height = Math.Max(Scene.Side, scenes.Max(s => s.Answers.Count) * 3 * Line) + 2 * Margin;
        var columns = Math.Min(Columns, scenes.Count);
        using var surface = SKSurface.Create(new SKImageInfo(columns * width, (scenes.Count + columns - 1) / columns * height));
        surface.Canvas.Clear(SKColors.White);
        for (var i = 0; i < scenes.Count; i++)
        {
            var (left, top) = (i % columns * width + Margin, i / columns * height + Margin);
            using var picture = SKImage.FromEncodedData(scenes[i].Png);
            surface.Canvas.DrawImage(picture, left, top, SKSamplingOptions.Default);
            Write(surface.Canvas, scenes[i].Answers, left + Scene.Side + Margin, top);
        }

        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static void Write(SKCanvas canvas, IReadOnlyList<Scored> answers, int left, int y)
    {
        foreach (var answer in answers)
        {
            foreach (var (text, colour) in new[]
            {
                (Cut(answer.Question.Text, fromStart: true), SKColors.Black),
                (Cut($" model: {answer.Given.Trim()}", fromStart: false), answer.Right ? Right : Wrong),
                (Cut($" truth: {answer.Question.Answer}", fromStart: false), Truth),
            })
            {
                PixelFont.Draw(canvas, text, left, y, colour);
                y += Line;
            }
        }
    }

    // Too long a question loses its beginning (what it asks about stands at its end), an answer its end.
    private static string Cut(string text, bool fromStart)
    {
        const int room = TextWidth / PixelFont.Advance;
        return text.Length <= room ? text : fromStart ? ".." + text[^(room - 2)..] : text[..(room - 2)] + "..";
    }
}
