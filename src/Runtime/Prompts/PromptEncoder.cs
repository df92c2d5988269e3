using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Prompts;

/// <summary>Turns and images to ids, positions and layouts: the same for every family, which gives it a template, a
/// placeholder and a position scheme.</summary>
internal sealed class PromptEncoder
{
    private readonly ITokenizer _tokenizer;
    private readonly IChatTemplate _template;
    private readonly int _imageId;
    private readonly string? _imageText;
    private readonly IPositionScheme _positions;

    /// <summary>Creates an encoder.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="template">The chat template; renders one placeholder per image.</param>
    /// <param name="imageId">Id whose copies stand for an image's tokens.</param>
    /// <param name="imageText">What stands for an image before tokenizing, with exactly one token of <paramref name="imageId"/> in it
    /// (InternVL's tags); null is the template's placeholder.</param>
    /// <param name="positions">The position scheme.</param>
    public PromptEncoder(ITokenizer tokenizer, IChatTemplate template, int imageId, string? imageText, IPositionScheme positions)
    {
        _tokenizer = tokenizer;
        _template = template;
        _imageId = imageId;
        _imageText = imageText;
        _positions = positions;
    }

    /// <summary>Encodes a conversation.</summary>
    /// <param name="turns">The turns; their images in order are <paramref name="images"/>.</param>
    /// <param name="images">The images' plans.</param>
    /// <param name="tools">Tools on offer; null for none.</param>
    /// <exception cref="PromptException">A role or part has no place in the template, or it has no tools; or the tokenizer does
    /// not know the image's token.</exception>
    public EncodedPrompt Encode(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ImagePlan> images, IReadOnlyList<ChatTool>? tools = null)
    {
        var prompt = Render(turns, tools ?? []);
        var ids = _tokenizer.Encode(_imageText is null ? prompt : prompt.WithImages(_imageText));
        var found = ids.Count(id => id == _imageId);
        if (found != images.Count)
        {
            throw new PromptException(
                $"The prompt has {images.Count} image(s) but {found} token(s) with the id {_imageId} for " +
                    $"'{_imageText ?? _template.ImagePlaceholder}': the model's tokenizer does not fit its configuration.");
        }

        return Lay(prompt.Text, Segments(ids, images), images);
    }

    private List<PromptSegment> Segments(int[] ids, IReadOnlyList<ImagePlan> images)
    {
        var segments = new List<PromptSegment>();
        var (image, from) = (0, 0);
        for (var at = 0; at <= ids.Length; at++)
        {
            if (at < ids.Length && ids[at] != _imageId) continue;
            if (at > from) segments.Add(new TextSegment(new ArraySegment<int>(ids, from, at - from)));
            if (at < ids.Length) segments.Add(new ImageSegment(image, 0, images[image++].TokenCount));
            from = at + 1;
        }

        return segments;
    }

    private EncodedPrompt Lay(string text, List<PromptSegment> segments, IReadOnlyList<ImagePlan> images)
    {
        var ids = new List<long>();
        int[][] places = [.. images.Select(i => new int[i.TokenCount])];
        foreach (var segment in segments)
        {
            switch (segment)
            {
                case TextSegment t:
                    ids.AddRange(t.Ids.Select(id => (long)id));
                    break;
                case ImageSegment s:
                    for (var k = 0; k < s.Count; k++, ids.Add(_imageId)) places[s.Image][s.First + k] = ids.Count;
                    break;
            }
        }

        var (rows, next) = _positions.Assign(ids.Count, places, images);
        return new EncodedPrompt
        {
            Text = text,
            TokenIds = [.. ids],
            PositionIds = rows,
            NextPosition = next,
            Images = images,
            VisualPositions = places,
            Layouts = [.. images.Select((p, i) => LayoutAt(p, places[i]))],
        };
    }

    private PromptText Render(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools)
    {
        if (tools.Count == 0) return _template.Write(turns);
        return _template is IToolChatTemplate template
            ? template.Write(turns, tools)
            : throw new PromptException(
                $"The request offers {tools.Count} tool(s), but the template {_template.Name} has no tools. Leave them out, or describe " +
                "them in the text.", VisionErrorKind.Unsupported);
    }

    private static VisualTokenLayout LayoutAt(ImagePlan image, int[] places) => new(
        [.. image.Grids.Select(g => new GridComponent(g.Name, g.Rows, g.Columns, [.. g.Offsets.Select(o => places[o])]))],
        [.. image.SeparatorOffsets.Select(o => places[o])]);
}
