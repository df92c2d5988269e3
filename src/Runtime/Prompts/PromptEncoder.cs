using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Prompts;

/// <summary>Turns and pictures to ids, positions and layouts: the same for every family, which gives it a template, a placeholder and a position scheme.</summary>
public sealed class PromptEncoder
{
    private readonly ITokenizer _tokenizer;
    private readonly IChatTemplate _template;
    private readonly int _imageId;
    private readonly Func<string, string> _toTokens;
    private readonly IPositionScheme _positions;

    /// <summary>Creates an encoder.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="template">The chat template; renders one placeholder per picture.</param>
    /// <param name="imageId">Id whose copies stand for a picture's tokens.</param>
    /// <param name="toTokens">Rewrites the rendered text so that each placeholder is exactly one token of <paramref name="imageId"/> (InternVL adds its tags here); null for none.</param>
    /// <param name="positions">The position scheme.</param>
    public PromptEncoder(ITokenizer tokenizer, IChatTemplate template, int imageId, Func<string, string>? toTokens, IPositionScheme positions)
    {
        _tokenizer = tokenizer;
        _template = template;
        _imageId = imageId;
        _toTokens = toTokens ?? (text => text);
        _positions = positions;
    }

    /// <summary>Encodes a conversation.</summary>
    /// <param name="turns">The turns; their images in order are <paramref name="images"/>.</param>
    /// <param name="images">The images' plans.</param>
    /// <param name="tools">Tools on offer; null for none.</param>
    /// <exception cref="PromptException">The text contains a placeholder literal, so that pictures and placeholders do not match; or the template has no tools.</exception>
    public EncodedPrompt Encode(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ImagePlan> images, IReadOnlyList<ChatTool>? tools = null)
    {
        var text = Render(turns, tools ?? []);
        var ids = _tokenizer.Encode(_toTokens(text));
        var found = ids.Count(id => id == _imageId);
        if (found != images.Count)
        {
            throw new PromptException(
                $"The prompt has {images.Count} image(s) but {found} placeholder(s) '{_template.ImagePlaceholder}'. Remove that literal from the message text; images are given as image content.");
        }

        return Lay(text, Segments(ids, images), images);
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

    private string Render(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools)
    {
        if (tools.Count == 0) return _template.Render(turns);
        return _template is IToolChatTemplate template
            ? template.Render(turns, tools)
            : throw new PromptException($"The request offers {tools.Count} tool(s), but the template {_template.Name} has no tools. Leave them out, or describe them in the text.", VisionErrorKind.Unsupported);
    }

    private static VisualTokenLayout LayoutAt(ImagePlan image, int[] places) => new(
        [.. image.Grids.Select(g => new GridComponent(g.Name, g.Rows, g.Columns, [.. g.Offsets.Select(o => places[o])]))],
        [.. image.SeparatorOffsets.Select(o => places[o])]);
}
