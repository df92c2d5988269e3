using D2Pruner.AI.Runtime.Models;
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
    /// <param name="turns">The turns; their pictures in order are <paramref name="images"/>.</param>
    /// <param name="images">The processed pictures.</param>
    /// <param name="tools">Tools on offer; null for none.</param>
    /// <exception cref="PromptException">The text contains a placeholder literal, so that pictures and placeholders do not match; or the template has no tools.</exception>
    public EncodedPrompt Encode(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ProcessedImage> images, IReadOnlyList<ChatTool>? tools = null)
    {
        var text = Render(turns, tools ?? []);
        var ids = _tokenizer.Encode(_toTokens(text));
        var found = ids.Count(id => id == _imageId);
        if (found != images.Count)
        {
            throw new PromptException(
                $"The prompt has {images.Count} picture(s) but {found} placeholder(s) '{_template.ImagePlaceholder}'. Remove that literal from the message text; pictures are given as image content.");
        }

        var expanded = new List<long>(ids.Length + images.Sum(i => i.TokenCount));
        var starts = new int[images.Count];
        var image = 0;
        foreach (var id in ids)
        {
            if (id != _imageId)
            {
                expanded.Add(id);
                continue;
            }

            starts[image] = expanded.Count;
            for (var i = images[image].TokenCount; i > 0; i--) expanded.Add(id);
            image++;
        }

        var tokenIds = expanded.ToArray();
        var (rows, next) = _positions.Assign(tokenIds.Length, starts, images);
        return new EncodedPrompt
        {
            Text = text,
            TokenIds = tokenIds,
            PositionIds = rows,
            NextPosition = next,
            Images = images,
            ImageStarts = starts,
            Layouts = [.. images.Select((p, i) => LayoutAt(p, starts[i]))],
        };
    }

    private string Render(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools)
    {
        if (tools.Count == 0) return _template.Render(turns);
        return _template is IToolChatTemplate template
            ? template.Render(turns, tools)
            : throw new PromptException($"The request offers {tools.Count} tool(s), but the template {_template.Name} has no tools. Leave them out, or describe them in the text.", VisionErrorKind.Unsupported);
    }

    private static VisualTokenLayout LayoutAt(ProcessedImage image, int start) => new(
        [.. image.Grids.Select(g => new GridComponent(g.Name, g.Rows, g.Columns, [.. g.Offsets.Select(o => start + o)]))],
        [.. image.SeparatorOffsets.Select(o => start + o)]);
}
