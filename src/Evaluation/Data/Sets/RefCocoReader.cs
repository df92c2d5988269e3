using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>
/// RefCOCO, RefCOCO+ and RefCOCOg: the converted JSON lines that InternVL's script reads (one line an expression), or Parquet (one row an
/// object: its expressions are taken apart).
/// The original Python pickles are not read.
/// </summary>
internal sealed class RefCocoReader(string suffix) : IDataSetReader
{
    private const int QwenPatch = 28;
    private const double QwenLeast = 3136;
    private const double QwenMost = 12845056;

    /// <inheritdoc/>
    public string Name => "refcoco" + suffix;

    /// <inheritdoc/>
    public string? Repository => suffix switch { "+" => "lmms-lab/RefCOCOplus", "g" => "lmms-lab/RefCOCOg", _ => "lmms-lab/RefCOCO" };

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => [split + "-"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        List<string> notes = [];
        if (Published.Find(path, "*.jsonl") is not null)
        {
            // All eight files lie in one folder as published: the set's own name first.
            var file = Published.Find(path, $"{Name}_{request.Split}.jsonl") ?? Published.Only(path, $"*{request.Split}*.jsonl")
                ?? throw new FileNotFoundException(
                    $"{path} holds no JSON lines of the part '{request.Split}' (--split val, testA, testB or test).");
            var folders = Published.Folders(path);
            reader.Add(JsonRows.Lines(file, reader.Problems), row =>
                Sample(request, row.Place, row.Text("image"), reader.Converted(folders, row.Text("image")), row.Text("sent"),
                    Inside(row.Box("bbox")), (int)row.Whole("width"), (int)row.Whole("height")));
        }
        else
        {
            var rows = Published.Rows(path, null, request.Split, reader.Problems)
                ?? throw new FileNotFoundException($"{path} holds {Name} neither as JSON lines nor as Parquet.");
            notes.Add("Parquet: other counts than the published parts (objects were cleaned).");
            reader.Add(rows, row =>
            {
                var (bytes, box) = (row.Image("image"), row.Box("bbox"));
                var (width, height) = Size(bytes);
                double[] corners = [box[0], box[1], box[0] + box[2], box[1] + box[3]];
                return row.Texts("answer")
                    .Select((phrase, i) => Sample(
                        request, $"{row.Place} expression {i}", row.TextOrNull("file_name", "question_id") ?? row.Place, () => bytes,
                        phrase, Inside(corners), width, height));
            });
        }

        notes.Add(request.Style switch
        {
            PromptStyle.Qwen => "Boxes in pixels of the resized image, mapped back by " +
                $"{(request.Units is null ? "the processor's default" : "the model's own")} limits; first box of the answer.",
            PromptStyle.InternVL => "InternVL's script: thousandths of the image, single precision.",
            _ => "The LLaVA harness of a DART co-author: fractions of the image as they stand; in the figures fractions of what the " +
            "model sees, where the image is padded or cropped.",
        });
        var mapped = request.AsServed && request.Units is not null ? "mapped back through the image's fit, %" : "padding taken out, %";
        return reader.Build(request, (s, a) => Score(request, s, a), notes, request.Style == PromptStyle.Llava
            ? answers => new Dictionary<string, double> { [mapped] = 100 * answers.Average(
                a => Boxes.SignedIou(Mapped(request, a.Sample, a.Answer), a.Sample.Box!) >= Boxes.Hit ? 1.0 : 0) } : null);
    }

    private static SampleScore Score(DataRequest request, EvaluationSample s, string answer)
    {
        if (request.Style == PromptStyle.Qwen)
        {
            var boxes = QwenBox.Read(answer);
            var iou = Boxes.ClampedIou(OnImage(QwenBox.First(boxes), request.Units?.Invoke(s.Width, s.Height) ?? QwenUnit(s)), s.Box!);
            return new SampleScore(iou >= Boxes.Hit ? 1 : 0, iou, boxes.Count > 0);
        }

        var read = InternVLBox.Read(answer, s.Width, s.Height);
        var found = InternVLBox.Iou(read, [.. s.Box!.Select(v => (float)v)]);
        return new SampleScore(found >= 0.5f ? 1 : 0, float.IsFinite(found) ? found : 0, read.Any(v => v != 0));
    }

    // LLaVA's boxes are fractions of what the model sees: of the image padded to a square around its middle, or of its crop.
    private static double[] Mapped(DataRequest request, EvaluationSample s, string answer)
    {
        double side = Math.Max(s.Width, s.Height);
        var unit = request.Units?.Invoke(s.Width, s.Height) ?? new PixelFrame((s.Width - side) / 2, (s.Height - side) / 2, side, side);
        return [.. OnImage(LlavaBox.Read(answer), unit).Select((v, i) => Math.Clamp(v, 0, i % 2 == 0 ? s.Width : s.Height))];
    }

    private static double[] OnImage(double[] box, PixelFrame unit) =>
        [unit.X + box[0] * unit.Width, unit.Y + box[1] * unit.Height, unit.X + box[2] * unit.Width, unit.Y + box[3] * unit.Height];

    private static PixelFrame QwenUnit(EvaluationSample s)
    {
        var (width, height) = QwenSize(s.Width, s.Height);
        return new PixelFrame(0, 0, s.Width / width, s.Height / height);
    }

    private static (double Width, double Height) QwenSize(int width, int height)
    {
        double w = Math.Max(QwenPatch, Math.Round((double)width / QwenPatch) * QwenPatch),
            h = Math.Max(QwenPatch, Math.Round((double)height / QwenPatch) * QwenPatch);
        if (w * h > QwenMost && Math.Sqrt((double)width * height / QwenMost) is var shrink)
            return (Math.Floor(width / shrink / QwenPatch) * QwenPatch, Math.Floor(height / shrink / QwenPatch) * QwenPatch);
        if (w * h < QwenLeast && Math.Sqrt(QwenLeast / ((double)width * height)) is var grow)
            return (Math.Ceiling(width * grow / QwenPatch) * QwenPatch, Math.Ceiling(height * grow / QwenPatch) * QwenPatch);
        return (w, h);
    }

    private static double[] Inside(double[] box) => box[2] > box[0] && box[3] > box[1] ? box
        : throw new RowException($"the box [{string.Join(", ", box)}] is empty");

    private static (int Width, int Height) Size(byte[] bytes)
    {
        using var data = SkiaSharp.SKData.CreateCopy(bytes);
        using var codec = SkiaSharp.SKCodec.Create(data) ?? throw new RowException("its image cannot be decoded");
        return (codec.Info.Width, codec.Info.Height);
    }

    private EvaluationSample Sample(
        DataRequest request, string id, string image, Func<byte[]> read, string phrase, double[] box, int width, int height) => new()
    {
        Id = id, Task = Name, ImageKey = image, ReadImage = read, Question = phrase, Prompt = Wording.Locate(request.Style, phrase),
            Answers = [phrase], Box = box, Width = width, Height = height,
        BeforeImage = request.Style == PromptStyle.Llava ? "\n" : "",
        MaxNewTokens = request.Style == PromptStyle.Llava ? 32 : 100,
    };
}
